"""A page: its path, its templates, and a function that reads what it shows; painted once, then live by a stream."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from taskqueue_api.console.asked_path import asked_path
from taskqueue_api.console.fields import check_lengths
from taskqueue_api.console.rendering import render
from taskqueue_api.live.snapshot import Snapshot
from taskqueue_api.live.streams import EventStream, Streams
from taskqueue_api.parts import Parts, UsedParts
from taskqueue_api.problems import ProblemError
from taskqueue_api.sign_in.authentication import Viewer
from taskqueue_api.sign_in.caller import Caller, Role


@dataclass(frozen=True, slots=True)
class Visit:
    """One reading of a page.   values: parameters of the path, and the declared parameters of the query."""

    parts: Parts
    snapshot: Snapshot
    values: Mapping[str, str]


#: Reads the context of a page's templates. Raises TaskqueueError.
Read: TypeAlias = Callable[[Visit], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Page:
    """name: NAME.html shows the page, and NAME_live.html within it the part that a stream renews.

    path: with parameters in braces.   menu: its entry of the menu; of a page below, that entry's page.
    query: parameters of the query.   is_live: False for a page that is painted once, by NAME.html alone.
    """

    name: str
    path: str
    menu: str
    read: Read
    query: Sequence[str] = ()
    is_live: bool = True


def add_page(router: APIRouter, page: Page, menu: Sequence[Page]) -> None:
    """Add the routes of a page: itself, and its stream at /live and its path."""

    async def paint(request: Request, parts: UsedParts, caller: Viewer) -> Response:
        values = _values(page, request)
        visit = Visit(parts, await parts.reader.newest(), values)
        html = render(
            f"{page.name}.html",
            **await _context(page, visit, is_editor=can_write(parts, caller)),
            caller=caller,
            page=page,
            menu=menu,
            live_template=f"{page.name}_live.html" if page.is_live else None,
            live_url=_live_url(page, request) if page.is_live else None,
        )
        return HTMLResponse(html)

    async def live(request: Request, parts: UsedParts, caller: Viewer) -> Response:
        streams: Streams = request.app.state.streams
        if streams.are_full:
            raise ProblemError(503, "Too many pages", "more pages are open than this process serves")
        values, is_editor = _values(page, request), can_write(parts, caller)

        async def renew(snapshot: Snapshot) -> str:
            context = await _context(page, Visit(parts, snapshot, values), is_editor=is_editor)
            return render(f"{page.name}_live.html", **context)

        # Viewers with one key share what is rendered: it depends on nothing else of the caller.
        return EventStream(streams.follow((page.name, tuple(values.items()), is_editor), renew))

    router.add_api_route(page.path, paint, methods=["GET"], name=page.name)
    if page.is_live:
        path = page.path if page.path != "/" else f"/{page.name}"
        router.add_api_route(f"/live{path}", live, methods=["GET"], name=f"live {page.name}")


def can_write(parts: Parts, caller: Caller) -> bool:
    """Tell whether a page shows its forms. Each write is checked again."""
    return caller.role is Role.EDITOR and not parts.settings.read_only


async def _context(page: Page, visit: Visit, *, is_editor: bool) -> dict[str, Any]:
    return {
        "snapshot": visit.snapshot,
        "now_ms": visit.snapshot.taken_ms,
        "release": visit.parts.settings.release,
        "can_write": is_editor,
        **await page.read(visit),
    }


def _values(page: Page, request: Request) -> dict[str, str]:
    """Return the parameters of a page. Raises ProblemError for one that is too long."""
    given = {name: request.query_params[name] for name in page.query if request.query_params.get(name)}
    values = {**request.path_params, **given}
    check_lengths(values)
    return values


def _live_url(page: Page, request: Request) -> str:
    """Return the URL of the stream of the page that a request asks for."""
    path = asked_path(request) if page.path != "/" else f"/{page.name}"
    return f"/live{path}" + (f"?{request.url.query}" if request.url.query else "")
