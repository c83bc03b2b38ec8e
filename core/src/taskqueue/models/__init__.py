"""Models: manifests and the values they become. Pure: no I/O, no clock, no Redis.

    outcome            the outcomes of an attempt
    values             values of the rest of the code: frozen, slotted, complete with all defaults
    ad_hoc_job         a job outside the schedule, as an application asks for it
    manifest           the entry: a document becomes a value, or is refused with every reason
    task_type          the TaskType manifest
    user_subscription  the UserSubscription manifest
    plain_user         the spec of most UserSubscriptions, read without the models
    rate_limit         the RateLimit manifest
    metadata           metadata of all three
    part               the base of all pydantic models of manifests
    value_rules        rules of single values, in place of pydantic's sentences
    fields             field types of manifests: a check and a schema each
    rules              rules between fields
    limit_rules        rules between fields of limits
    exclusion_rules    rules between fields of exclusions
    refusal            the reasons of a refusal
    fault              a fault of a file, with its place
    identity           user ids, names of task types, of limits and of objects
    params             params as JSON
    locked_params      params that tasks may not override
    offered_intervals  intervals that tasks may choose
    exclusion_spec     the exclusions of a TaskType manifest
    exclusion          dates and times of day of exclusions
    http_spec          the HTTP request of a TaskType manifest
    retry_spec         the attempts of a TaskType manifest
    http_call          URL and headers of an HTTP handler
    nesting            nesting of JSON, measured on its bytes
    duration           durations as text
    quantity           rates as text
    rate               rates as requests per duration
    limit_tree         limits within each other, and the limits of a task type
    time_zone          names of time zones
    cron               a cron line, read once
    cron_field         the five fields of a cron line
    cron_pattern       the fields as regular expressions
    cron_refusal       refusals of a cron line
    cron_advice        advice about steps of a cron line

May import `taskqueue.errors` and `taskqueue.text`.
"""
