"""Scheduler: desired state into the store, due jobs into the queue. Used by the operator and the CLI alike.

    reconcile   what to write next for one task type (pure)
    publisher   the difference between the desired types and users and the store, written level-triggered
    ticker      emits what became due and moves the cursor
    lookout     how far back each type must go if the store loses everything now (floors, pure)
    keeper      publishes what the source says, retries, confirms removals, brings a lost store back
    service     all of it in one process, until a signal

Every part keeps its state in the store, so that any number of replicas may run and any may die at any time.
May import `taskqueue.sources`, `store`, `plan` and `models`.
"""
