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
    """Show the form for a token, or take the one-time token of a link: not for a preview, which no person sees.

    A link of another site comes without the cookie of a session, which is sent once this page asks again.
    """
    if parts.sign_in.caller(request):
        return RedirectResponse(_local(next_page), 303)
    if token and not _is_preview(request):
        return _begin(request, parts, token, next_page, by_link=True)
    return _form(next_page, "", 200, asks_again=request.headers.get("sec-fetch-site") == "cross-site")


@router.post("/sign-in")
async def begin(
    request: Request,
    parts: UsedParts,
    token: Annotated[str, Form()],
    next_page: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    """Exchange a token for the cookie of a session."""
    return _begin(request, parts, token, next_page)


@router.post("/sign-out")
async def end(request: Request) -> Response:
    """End the session of this browser."""
    response = RedirectResponse("/sign-in", 303)
    end_session(request, response)
    return response


def _is_preview(request: Request) -> bool:
    """Tell whether a program or a browser looks at a link before a person opens it."""
    purpose = request.headers.get("sec-purpose") or request.headers.get("purpose", "")
    return "is_head" in request.scope or "prefetch" in purpose


def _begin(
    request: Request, parts: UsedParts, token: str, next_page: str, *, by_link: bool = False
) -> Response:
    if len(token) > _MAX_TOKEN:
        raise invalid_field("token", f"must have at most {_MAX_TOKEN} characters")
    response = RedirectResponse(_local(next_page), 303)
    if not parts.sign_in.begin(request, response, token, by_link=by_link):
        return _form(next_page, "This token is not known, or was used already.", 401)
    return response


def _form(next_page: str, error: str, status: int, *, asks_again: bool = False) -> Response:
    context = {"next_page": _local(next_page), "error": error, "asks_again": asks_again}
    return HTMLResponse(render("sign_in.html", **context), status)


def _local(page: str) -> str:
    """Return a path of this site, never another one."""
    is_local = page.startswith("/") and not page.startswith(("//", "/\\"))
    return page if is_local else "/"
