"""The pages."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from taskqueue_api.parts import UsedParts
from taskqueue_api.sign_in.cookies import end_session
from taskqueue_api.sign_in.sessions import Viewer

_HERE = Path(__file__).parent
_templates = Jinja2Templates(_HERE / "templates")
router = APIRouter(include_in_schema=False)


def add_console(app: FastAPI) -> None:
    """Add the pages and their files."""
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"))


@router.get("/sign-in")
def ask(request: Request, parts: UsedParts, token: str = "") -> Response:
    """Show the form for a token, or take the one-time token of a link."""
    response = RedirectResponse("/", 303)
    if token and parts.sign_in.begin(request, response, token, by_link=True):
        return response
    return _templates.TemplateResponse(request, "sign_in.html", {"error": bool(token)}, 401 if token else 200)


@router.post("/sign-in")
def begin(request: Request, parts: UsedParts, token: Annotated[str, Form(max_length=4_096)]) -> Response:
    """Exchange a token for the cookie of a session."""
    response = RedirectResponse("/", 303)
    if parts.sign_in.begin(request, response, token):
        return response
    return _templates.TemplateResponse(request, "sign_in.html", {"error": True}, 401)


@router.post("/sign-out")
def end(request: Request) -> Response:
    """End the session of this browser."""
    response = RedirectResponse("/sign-in", 303)
    end_session(request, response)
    return response


@router.get("/")
async def overview(request: Request, parts: UsedParts, caller: Viewer) -> Response:
    """Show the release as a whole."""
    snapshot = await anext(aiter(parts.reader.follow()))
    return _templates.TemplateResponse(request, "overview.html", {"snapshot": snapshot, "caller": caller})


@router.get("/live/overview")
async def live_overview(parts: UsedParts, _: Viewer) -> Response:
    """Stream the live part of the overview, once for each snapshot."""

    async def events() -> AsyncIterator[str]:
        template = _templates.get_template("overview_live.html")
        async for snapshot in parts.reader.follow():
            yield (
                "".join(f"data: {line}\n" for line in template.render(snapshot=snapshot).splitlines()) + "\n"
            )

    return StreamingResponse(events(), media_type="text/event-stream")
