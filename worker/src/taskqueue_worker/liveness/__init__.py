"""Liveness: the parts that keep a worker's process alive, whatever user code does in it.

    event_loop      a loop that user code cannot end: SystemExit in a task, `loop.stop()`, a fork
    cancellation    tasks that user code cannot cancel
    signals         stop signals that user code cannot take
    watchdog        a loop that user code blocks: seen from a thread, its stack logged, the leases kept
    held_timer      an interpreter that C code holds: stacks written by a timer of the system

May import `taskqueue`, but no other part of the worker.
"""
