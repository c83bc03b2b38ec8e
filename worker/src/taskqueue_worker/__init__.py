"""The worker: claim -> run -> settle, under the limit that all workers share.

    worker      puts the parts together; start, drain
    claimer     calls claim when it is worth a call, two calls in flight at most
    pace        when the next call is worth it
    slots       the concurrency: long-lived tasks, each running one job after another
    runner      one job: handler, outcome, what to report
    permits     further slots of the global limit for a job that is running
    kinds       what the worker knows of each task type, read again when the store says it moved
    heartbeat   keeps the leases, learns which were lost, cancels what ran too long
    clock       the server's clock in the loop's time
    backoff     when a failed job runs again

May import `taskqueue`, but neither its command line nor its scheduler; never Redis itself.
"""
