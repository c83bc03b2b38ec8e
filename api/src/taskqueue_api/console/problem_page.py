"""Errors of pages: a page or, for a form, a notice; a caller that is not signed in goes to the sign-in page."""

from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from taskqueue_api.console.asked_path import asked_path
from taskqueue_api.console.rendering import render
from taskqueue_api.problems import ProblemError, answer

_UNAUTHORIZED = 401


def not_found(request: Request, _: Exception) -> Response:
    """Answer a path that no route has."""
    return answer_page(request, ProblemError(404, "Not found", f"there is nothing at {asked_path(request)}"))


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
        asked = f"{asked_path(request)}?{request.url.query}".removesuffix("?")
        return RedirectResponse(f"/sign-in?next={quote(asked, safe='/')}", 303)
    return HTMLResponse(render("problem.html", problem=problem), problem.status, headers)
