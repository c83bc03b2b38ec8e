"""The HTTP API below /v1: one module a noun.

    openapi        the description of the API
    users          users
    user_answers   answers about one user
    bulk_users     all users of applications at once
    jobs           jobs
    job_answers    answers about jobs that were written
    bulk_jobs      many jobs at once
    job_specs      bodies about jobs
    dead           dead jobs
    types          task types and their pauses
    limits         limits, and values set by hand
    override_spec  the body that sets a limit by hand
    plan           the plan of a day
    audit          the account of every job
    workers        workers
    writes         writes of this API
    store          the store of this process

May import `taskqueue.views`, `taskqueue.client`, `taskqueue.models`, `taskqueue.sources`, `taskqueue.store` and the
parts, problems, requests, notes of writes and guard of `taskqueue_api`.
"""

from functools import cache
from typing import Any

from fastapi import FastAPI

from taskqueue import __version__
from taskqueue_api.routes import (
    audit,
    bulk_jobs,
    bulk_users,
    dead,
    jobs,
    limits,
    openapi,
    plan,
    store,
    types,
    users,
    workers,
    writes,
)

_ROUTERS = (
    users,
    bulk_users,
    bulk_jobs,
    jobs,
    dead,
    types,
    limits,
    plan,
    audit,
    workers,
    writes,
    store,
    openapi,
)


def add_routes(app: FastAPI) -> None:
    """Add all routes of the API."""
    for module in _ROUTERS:
        app.router.routes += module.router.routes  # `include_router` would build each a second time
    app.openapi = cache(lambda: openapi.describe(app))  # type: ignore[method-assign]


def describe_routes() -> dict[str, Any]:
    """Return the description of the API without a process, OpenAPI 3.1."""
    app = FastAPI(title="taskqueue", version=__version__)
    add_routes(app)
    return app.openapi()
