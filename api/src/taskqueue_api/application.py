"""The app: routes of the API and pages of the console, behind the steps that every request passes.

bounds of bodies -> proxy -> guard (host, origin) -> gate (sign-in, role) -> note of writes -> routes

A refusal in front of the routes is answered here, too.
"""

from fastapi import FastAPI
from starlette.types import ASGIApp

from taskqueue import __version__
from taskqueue_api.bounded_bodies import BoundedBodies
from taskqueue_api.console import add_console
from taskqueue_api.console.problem_page import answer_page
from taskqueue_api.gate import Gate
from taskqueue_api.guard import Guard
from taskqueue_api.noted_writes import NotedWrites
from taskqueue_api.parts import Parts
from taskqueue_api.problems import handle_errors
from taskqueue_api.routes import add_routes
from taskqueue_api.sign_in.proxy import Proxied


def new_app(parts: Parts) -> FastAPI:
    """Return the app of a process, without the steps in front."""
    app = FastAPI(
        title="taskqueue",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.parts = parts
    handle_errors(app)
    add_routes(app)
    add_console(app)
    return app


def guarded_app(parts: Parts) -> ASGIApp:
    """Return the app of a process behind all steps."""
    settings, sign_in = parts.settings, parts.sign_in
    noted = NotedWrites(new_app(parts), parts.store, parts.reader.readings, answer_page)
    guard = Guard(Gate(noted, sign_in, settings, answer_page), settings.hosts)
    return BoundedBodies(Proxied(guard, sign_in.folder, sign_in.throttle, is_https=settings.https))
