"""The newest writes of the API, a row each: caller, request, time, address and status."""

from pydantic import Field

from taskqueue.store.connection import Store
from taskqueue.store.writes import NotedWrite
from taskqueue.store.writes import read_writes as read_noted
from taskqueue.views.instant import at
from taskqueue.views.view import Instant, View


class WriteRow(View):
    """A write of the API."""

    number: int = Field(description="Number of the write, in order.")
    began_at: Instant = Field(description="When it began.")
    caller: str = Field(description="Name of the token, or of the user whom a proxy names.")
    by: str = Field(description="Kind of the sign-in: token, session, proxy or loopback.")
    address: str = Field(description="Address that the request came from.")
    method: str = Field(description="Method of the request.")
    path: str = Field(description="Path of the request.")
    detail: str = Field(description="What was written, where the path does not say it; never params.")
    status: int | None = Field(
        description="Status of the answer; null while the write is carried out, or if its process ended meanwhile."
    )


async def list_writes(store: Store) -> list[WriteRow]:
    """Return the newest 1,000 writes, newest first."""
    return [_row(noted) for noted in await read_noted(store)]


def _row(noted: NotedWrite) -> WriteRow:
    write = noted.write
    return WriteRow(
        number=noted.number,
        began_at=at(noted.began_ms),
        caller=write.caller,
        by=write.by,
        address=write.address,
        method=write.method,
        path=write.path,
        detail=write.detail,
        status=noted.status,
    )
