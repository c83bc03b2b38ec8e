"""`python -m taskqueue_worker` runs a worker."""

from taskqueue import entry

entry.worker()
