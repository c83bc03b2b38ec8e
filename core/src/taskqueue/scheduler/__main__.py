"""`python -m taskqueue.scheduler` runs the scheduler."""

from taskqueue_entry import enter

enter("taskqueue.scheduler.service")
