"""`python -m taskqueue_api`: the same as `taskqueue api`."""

from taskqueue_api.main import main

main()
