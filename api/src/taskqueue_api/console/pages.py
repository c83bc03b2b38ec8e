"""The pages."""

from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from taskqueue_api.parts import UsedParts
from taskqueue_api.sign_in.sessions import Viewer

_HERE = Path(__file__).parent
_templates = Jinja2Templates(_HERE / "templates")
router = APIRouter(include_in_schema=False)


def add_console(app: FastAPI) -> None:
    """Add the pages and their files."""
    app.include_router(router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"))


@router.get("/sign-in")
def sign_in(parts: UsedParts, token: str) -> Response:
    """Exchange a token for the cookie of a session."""
    response = RedirectResponse("/", 303)
    if parts.sign_in.begin(token, response) is None:
        return HTMLResponse("wrong token", 401)
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
