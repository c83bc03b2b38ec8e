"""Liveness: the worker's own parts go on, whatever user code does in its process.

    kept_task   tasks that user code cannot cancel
    watchdog    a loop that user code blocks: seen from a thread, its stack logged, the leases kept
    held_timer  an interpreter that C code holds: stacks written by a timer of the system

`taskqueue.process` does the same for the event loop, its main task and the stop signals. May import
`taskqueue.process` and `taskqueue.text`, but no other part of the worker.
"""
