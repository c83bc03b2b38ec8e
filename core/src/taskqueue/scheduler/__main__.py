"""`python -m taskqueue.scheduler` runs the scheduler."""

from taskqueue.entry import enter

enter("taskqueue.scheduler.service")
