"""The worker: claim -> run -> settle, under the limit that all workers share.

    main, event_loop, signals       the process: a loop that user code cannot end, and its end by a signal
    worker                          puts the parts together; start, drain
    claimer                         calls claim when it is worth a call, two calls in flight at most
    pace                            when the next call is worth it
    slots                           the concurrency: long-lived tasks, each running one job after another
    started, slot_time              a leased job, and its start on the loop's clock
    runner, report, results         one job: its handler, the result of it, and where results wait for a claim
    permits                         further slots of the global limit for a job that is running
    kinds                           what the worker knows of each task type, read again when the store says it moved
    heartbeat                       keeps the leases, learns which were lost, cancels what ran too long
    watchdog, held_timer, stack, standby
                                    sees a blocked loop from another thread, says where, and keeps the leases there
    uncancelled                     keeps the worker's own tasks alive when user code cancels them
    life, metrics, settings, closing, clock, backoff

May import `taskqueue`, but neither its command line nor its scheduler; never Redis itself.
"""
