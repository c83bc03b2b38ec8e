"""Views: models of the state of a store, for people and programs. Command line, client and API read the same ones.

A function takes a store, or a plan if it is pure, and returns frozen models. It prints nothing and ends nothing: an
unknown name is an error. Its docstring says so where its cost grows with the number of users or jobs.

    view             the base of all views
    instant          instants, as values and as text
    errors           nothing has the name that was asked for
    types            all task types
    type_detail      one task type in full
    type_spread      the subscriptions of a type over its window
    users            users, a page at a time
    user_detail      one user in full
    user_jobs        the jobs of one user that wait or run
    user_history     planned runs of a user, and their outcomes
    planned_run      a planned run, and what is known of it
    user_dues        the dues of a subscription, also those that are left out
    fair_share       lists that share a number of rows
    history          the history of a task type
    jobs             jobs that wait or run
    job_pages        jobs that wait or run, a page at a time
    workers          workers
    limits           limits: the values in force, the jobs that wait
    dead             jobs that used up their attempts
    dead_groups      those jobs grouped by type and reason
    audit            the account of every job
    writes           the newest writes of the API
    demands          the demand of types and users, and the limits on it
    plan             the plan of a day
    plan_check       whether the limits allow the demand of a day
    next_due         the next due time of a subscription
    reasons          reasons why a subscription is idle
    waiting_reasons  reasons why a job waits
    why_waiting      why nothing runs for a user
    limit_text       limits in words
    pause_text       pauses in words
    duration_text    durations in words
    schedule_text    a schedule in words

May import `taskqueue.store`, `taskqueue.plan`, `taskqueue.models`, `taskqueue.text` and `taskqueue.errors`.
"""
