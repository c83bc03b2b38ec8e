"""GET and POST /sign-in, POST /sign-out: the session of a browser."""

from typing import Annotated

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from taskqueue_api.console.rendering import render
from taskqueue_api.console.route import new_router
from taskqueue_api.parts import UsedParts
from taskqueue_api.problems import invalid_field
from taskqueue_api.sign_in.cookies import end_session

#: Characters of a token.
_MAX_TOKEN = 4_096

router = new_router()


@router.get("/sign-in")
async def ask(
    request: Request, parts: UsedParts, token: str = "", next_page: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """Show the form for a token; for the one-time token of a link, its button alone.

    A link is not used up by opening it: chat programs and browsers open links ahead of a person.
    A link of another site comes without the cookie of a session, which is sent once this page asks again.
    """
    if parts.sign_in.caller(request):
        return RedirectResponse(_local(next_page), 303)
    if token and not parts.sign_in.allows_link(request, token):
        return _unknown_token(next_page)
    is_elsewhere = request.headers.get("sec-fetch-site") == "cross-site"
    return _form(next_page, token=token, asks_again=is_elsewhere)


@router.post("/sign-in")
async def begin(
    request: Request,
    parts: UsedParts,
    token: Annotated[str, Form()],
    next_page: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    """Exchange a token for the cookie of a session."""
    if len(token) > _MAX_TOKEN:
        raise invalid_field("token", f"must have at most {_MAX_TOKEN} characters")
    response = RedirectResponse(_local(next_page), 303)
    return response if parts.sign_in.begin(request, response, token) else _unknown_token(next_page)


@router.post("/sign-out")
async def end(request: Request) -> Response:
    """End the session of this browser."""
    response = RedirectResponse("/sign-in", 303)
    end_session(request, response)
    return response


def _unknown_token(next_page: str) -> Response:
    return _form(next_page, 401, error="This token is not known, or was used already.")


def _form(
    next_page: str, status: int = 200, *, error: str = "", token: str = "", asks_again: bool = False
) -> Response:
    """Return the form.   token: of a link, sent by the button."""
    context = {"next_page": _local(next_page), "error": error, "token": token, "asks_again": asks_again}
    return HTMLResponse(render("sign_in.html", **context), status)


def _local(page: str) -> str:
    """Return a path of this site, never another one."""
    is_local = page.startswith("/") and not page.startswith(("//", "/\\"))
    return page if is_local else "/"
