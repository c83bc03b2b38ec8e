"""Errors of pages: a page or, for a form, a notice; a caller that is not signed in goes to the sign-in page."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from taskqueue.errors import TaskqueueError
from taskqueue.models.part import Part, describe
from taskqueue_api.console.asked_path import asked_path
from taskqueue_api.console.rendering import render
from taskqueue_api.problems import ProblemError, answer, invalid, problem_of

_UNAUTHORIZED = 401


class PageRoute(APIRoute):
    """A route of the console."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return answer_page(request, _invalid(error))
            except (ProblemError, TaskqueueError, HTTPException) as error:
                return answer_page(request, problem_of(error))

        return handled


def new_router() -> APIRouter:
    """Return a router whose errors are answered with pages."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)


def not_found(request: Request, _: Exception) -> Response:
    """Answer a path that no route has."""
    return answer_page(request, ProblemError(404, "Not found", f"there is nothing at {asked_path(request)}"))


def _invalid(error: RequestValidationError) -> ProblemError:
    return invalid(describe([one | {"loc": one["loc"][1:]} for one in error.errors()], Part))


def answer_page(request: Request, error: ProblemError) -> Response:
    """Return a problem as the caller can read it: HTML for a browser, else JSON."""
    problem, headers = error.problem, error.headers
    if "hx-request" in request.headers:
        # Of a refused question, too: it must not go into the dialog, which stays closed.
        told = {**(headers or {}), "HX-Retarget": "#notice"}
        return HTMLResponse(render("notice.html", problem=problem, message=None), problem.status, told)
    if "text/html" not in request.headers.get("accept", ""):
        return answer(problem, headers)
    if problem.status == _UNAUTHORIZED and request.method == "GET":
        return RedirectResponse(f"/sign-in?next={quote(asked_path(request), safe='/')}", 303)
    return HTMLResponse(render("problem.html", problem=problem), problem.status, headers)
