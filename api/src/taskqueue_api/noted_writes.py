"""Every write is noted in the store before it is carried out, and once more with the status of its answer.

A store that cannot take the note refuses the write. Params are never noted: a body is not read here. Before its answer
is sent, what pages share is read again: a caller that asks after a write is shown the write.
"""

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.writes import Write, begin_write, end_write
from taskqueue.text.printable import printable_line
from taskqueue_api.gate import Refuse, is_write
from taskqueue_api.live.readings import Readings
from taskqueue_api.problems import ProblemError, problem_of
from taskqueue_api.sign_in.authentication import viewer
from taskqueue_api.sign_in.proxy import address_of

#: Characters of a name, of a path and of a route's words.
_MAX_NAME, _MAX_PATH, _MAX_DETAIL = 100, 500, 300

log = structlog.get_logger("taskqueue.api")


def note(request: Request, detail: str) -> None:
    """Say what a write changed, where its path does not: names and numbers, never params."""
    request.scope["state"]["write_detail"] = detail


class NotedWrites:
    """An ASGI app in front of another, behind the gate.   readings: what pages share."""

    def __init__(self, app: ASGIApp, store: Store, readings: Readings, refuse: Refuse) -> None:
        self._app = app
        self._store = store
        self._readings = readings
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_write(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            number = await begin_write(self._store, _written(request))
        except StoreFailure as error:
            found = problem_of(error)
            detail = f"nothing was written, as the write could not be noted: {found.problem.detail}"
            refusal = ProblemError(found.problem.status, found.problem.title, detail, headers=found.headers)
            await self._refuse(request, refusal)(scope, receive, send)
            return

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._end(request, number, message["status"])
                self._readings.expire()
            await send(message)

        await self._app(scope, receive, noted)

    async def _end(self, request: Request, number: int, status: int) -> None:
        try:
            await end_write(self._store, number, status, _written(request))
        except StoreFailure as error:
            log.warning("status of a write not noted", number=number, status=status, error=str(error))


def _written(request: Request) -> Write:
    caller = viewer(request)
    return Write(
        caller=printable_line(caller.name, _MAX_NAME),
        by=caller.by.value,
        method=request.method[:10],
        path=printable_line(request.scope["path"], _MAX_PATH),
        address=printable_line(address_of(request.scope), _MAX_NAME),
        detail=printable_line(request.scope["state"].get("write_detail", ""), _MAX_DETAIL),
    )
