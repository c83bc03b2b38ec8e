"""The scheduler: brings the store to the desired state, and emits jobs when they are due.

    service         the process: parts, probes, settings
    settings        flags, environment and file
    source          the source of the desired state
    leadership      the choice of the replica that publishes
    keeper          the loop that publishes, retries and confirms removals
    publisher       one publish: the difference between the desired and the stored state
    type_writer     the writes of task types, step by step
    limit_writer    the writes of limits, and the waiting jobs that follow them
    suspensions     schedules that follow the circuit breaker
    reconcile       the next step of one task type. Pure
    user_writer     the writes of users
    repair          types and users that the store holds in an unreadable form
    recovery_point  the point from which a lost store goes on
    floors          the floors of types at that point. Pure
    refill          a store that lost everything, filled again
    ticker          emits due jobs and moves the cursor
    late_types      types whose queue was full, and that are behind the cursor
    step            the time that one call emits jobs for
    type_cache      the types as a ticker last read them
    store_clock     the clock of the store's server
    publish_lag     the age of the oldest unpublished change
    reports         log lines and metrics about manifests
    metrics         metrics for Prometheus
    errors          errors that make a scheduler read the store again

Every part keeps its state in the store, so any number of replicas may run, and any of them may die at any time.
The operator and the command line use this package too.

May import `taskqueue.process`, `taskqueue.sources`, `taskqueue.store`, `taskqueue.plan`, `taskqueue.models`,
`taskqueue.text`, `taskqueue.errors`, `taskqueue.command_line` and, in `__main__`, `taskqueue_entry`.
"""
