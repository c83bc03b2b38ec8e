"""The app: routes of the API and pages of the console behind the guard."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from taskqueue import __version__
from taskqueue_api.console import add_console
from taskqueue_api.guard import Guard
from taskqueue_api.parts import Parts
from taskqueue_api.problems import handle_errors
from taskqueue_api.routes import add_routes


def new_app(parts: Parts) -> FastAPI:
    """Return the app of a process, without its guard."""
    app = FastAPI(title="taskqueue", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.parts = parts
    handle_errors(app)
    add_routes(app)
    add_console(app)
    return app


def guarded_app(parts: Parts) -> ASGIApp:
    """Return the app of a process behind its guard."""
    return Guard(new_app(parts), parts.settings.hosts)
