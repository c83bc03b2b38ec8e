"""The HTTP API below /v1: one module a noun.

    openapi  the description of the API

May import `taskqueue.views`, `taskqueue.client`, `taskqueue.models`, `taskqueue.store` and the parts, problems and
sign-in of `taskqueue_api`.
"""

from fastapi import FastAPI

from taskqueue_api.routes import openapi

_ROUTERS = (openapi.router,)


def add_routes(app: FastAPI) -> None:
    """Add all routes of the API."""
    for router in _ROUTERS:
        app.include_router(router)
