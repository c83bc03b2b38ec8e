"""Plan: instants of schedules, due subscriptions and feasibility. Pure functions; `now` is an argument.

    admission       a document becomes a value: the models' checks, then those that need a calendar
    cron            the wall-clock side of a cron expression
    daylight        wall times become instants, also in nights with a change of the clock
    schedule        the period starts of a schedule
    variants        the zones of users and the intervals of subscriptions, as schedules
    spread          the offset of a subscription within the window
    agenda          the segments whose windows are open
    due             the subscriptions that became due between two instants, catch-up included
    catch_up        the dues that are still emitted after an outage
    exclude         the spans of excluded time
    excluded_due    the dues within them, counted
    excluded_week   exclusions that leave no run of a schedule
    following       the next due that is not excluded
    segment         the records that pass between plan, store and scheduler
    replay          the due subscriptions of a store that was emptied and is filled again
    takeover        the instant at which a changed schedule replaces the old one
    lanes           names and weights of the lanes
    limiter         spacing of starts under a limit
    type_demand     the demand of one task type
    user_demand     the demand of like users
    windows         the times of a day in which jobs are due, excluded time cut out
    demand          the demand of a day as a step function
    forecast        expected starts in each step of a day or an hour
    feasibility     the verdict whether a day's demand fits under the limits
    verdict         its form
    verdict_text    the reason of a verdict as a sentence
    limit_paths     the limits that all jobs of a type share, from the innermost to the outermost
    flow            the flow of a day's demand through one limit: its backlog, its waits and its end
    places          the places that a new store deals, and how many jobs bunch there
    margins         allowances for jobs that bunch and for starts that another limit delays
    service         the service of a day at every limit that jobs share
    limit_verdicts  the verdict on a limit that jobs share
    user_jobs       the jobs of like users at a limit of key User
    user_limits     the limits of key User that a user's jobs take from
    user_verdict    the verdict on a limit of key User
    remedy          the cheapest change that makes a plan fit under a limit that jobs share
    user_remedy     the same for a limit of key User
    rate_grid       the rates that a change may propose
    capacity        useful workers for due and running jobs
    worker          the time for which a worker counts as alive after a heartbeat
    errors          the error of a schedule that cannot be planned

May import `taskqueue.models` and `taskqueue.errors`.
"""
