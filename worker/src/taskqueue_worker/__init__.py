"""The worker: it claims jobs, runs their handlers and settles the results, under one limit for all workers.

    main          the process: handlers loaded, probes served, exit codes
    worker        the parts put together; start and drain
    claimer       when to call claim and for how many jobs; jobs bound to their types
    calls         the calls of claim, repeated until answered; the contact with the store
    pace          when the next call is worth it, and how far ahead slots are taken
    suspects      jobs that run as the only job of a worker
    slots         the concurrency slots: long-lived tasks, each running one job after another
    attempts      attempts at jobs: the wait for the start, the handler, faults of a slot
    leased_job    one job from its claim to its result
    runner        one run of a handler, and the result of every way in which it may end
    results       results: made from outcomes, logged, counted
    outbox        results kept until a claim carries them
    task_types    task types bound to their handlers, read again when the store has a new version
    tally         starts and outcomes of each type, counted
    clock         the store's clock in the loop's time; the wait for a slot of the limit
    permits       further slots of the global limit for a job that runs
    heartbeat     leases renewed, from the loop or a thread; overdue handlers cancelled
    history       counts of each type, flushed by the minute
    probes        the answers of /livez and /readyz
    metrics       the metrics
    settings      the settings
    liveness      a package: the process goes on, whatever user code does in it

A job's path: claimer -> slots -> attempts -> runner -> results -> outbox -> calls.

May import `taskqueue.handlers`, `taskqueue.process`, `taskqueue.store`, `taskqueue.plan`, `taskqueue.models`,
`taskqueue.command_line`, `taskqueue.text` and, in `__main__`, `taskqueue_entry`; never Redis.
"""
