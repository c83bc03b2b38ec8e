"""`python -m taskqueue_api` serves the API and the console."""

from taskqueue_entry import enter

enter("taskqueue_api.main")
