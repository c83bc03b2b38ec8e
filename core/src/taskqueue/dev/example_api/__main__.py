"""`python -m taskqueue.dev.example_api` serves the example API."""

from taskqueue_entry import enter

enter("taskqueue.dev.example_api.server")
