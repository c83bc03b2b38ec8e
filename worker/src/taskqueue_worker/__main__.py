"""`python -m taskqueue_worker` runs a worker."""

from taskqueue_entry import worker

worker()
