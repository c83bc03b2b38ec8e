"""GET and POST /sign-in, POST /sign-out: the session of a browser."""

from typing import Annotated

from fastapi import Form, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from taskqueue_api.console.problem_page import new_router
from taskqueue_api.console.rendering import render
from taskqueue_api.parts import UsedParts
from taskqueue_api.problems import ProblemError
from taskqueue_api.sign_in.sessions import COOKIE

#: Characters of a token.
_MAX_TOKEN = 4_096

router = new_router()


@router.get("/sign-in")
def ask(parts: UsedParts, token: str = "", next_page: Annotated[str, Query(alias="next")] = "/") -> Response:
    """Show the form for a token, or take the one of a link."""
    return _begin(parts, token, next_page) if token else _form(next_page, "", 200)


@router.post("/sign-in")
def begin(
    parts: UsedParts, token: Annotated[str, Form()], next_page: Annotated[str, Form(alias="next")] = "/"
) -> Response:
    """Exchange a token for the cookie of a session."""
    return _begin(parts, token, next_page)


@router.post("/sign-out")
def end() -> Response:
    """End the session of this browser."""
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


def _begin(parts: UsedParts, token: str, next_page: str) -> Response:
    if len(token) > _MAX_TOKEN:
        raise ProblemError(
            422, "Invalid request", f"token must have at most {_MAX_TOKEN} characters", "token"
        )
    response = RedirectResponse(_local(next_page), 303)
    if parts.sign_in.begin(token, response) is None:
        return _form(next_page, "This token is not known, or was used already.", 401)
    return response


def _form(next_page: str, error: str, status: int) -> Response:
    return HTMLResponse(render("sign_in.html", next_page=_local(next_page), error=error), status)


def _local(page: str) -> str:
    """Return a path of this site, never another one."""
    is_local = page.startswith("/") and not page.startswith(("//", "/\\"))
    return page if is_local else "/"
