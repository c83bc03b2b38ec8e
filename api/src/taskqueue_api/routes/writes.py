"""/v1/writes: the newest writes of this API: caller, path, time and address of each."""

from pydantic import Field

from taskqueue.store.writes import NotedWrite, read_writes
from taskqueue.views.instant import at
from taskqueue.views.view import Instant, View
from taskqueue_api.parts import UsedParts
from taskqueue_api.request.pages import After, Limit, Page, offset_of, page
from taskqueue_api.request.route import new_router

router = new_router("writes")


class WriteRow(View):
    """A write."""

    number: int = Field(description="Of the writes of this store, in order.")
    began: Instant
    caller: str = Field(description="Name of the token, or of the user whom a proxy names.")
    by: str = Field(description="Kind of the sign-in.")
    method: str
    path: str
    address: str = Field(description="Where the request came from.")
    detail: str = Field(description="The change, where the path does not say it.")
    status: int | None = Field(
        description="Status of the answer; null for a write that is being carried out, or that ended with its process."
    )


@router.get("")
async def list_writes(parts: UsedParts, limit: Limit = 100, after: After = "") -> Page[WriteRow]:
    """List the newest writes of this API, the newest first: the store keeps a thousand."""
    begin = offset_of(after)
    found = await read_writes(parts.store)
    rows = [_row(noted) for noted in found[begin : begin + limit]]
    return page(rows, str(begin + limit) if len(found) > begin + limit else "")


def _row(noted: NotedWrite) -> WriteRow:
    write = noted.write
    return WriteRow(
        number=noted.number,
        began=at(noted.began_ms),
        caller=write.caller,
        by=write.by,
        method=write.method,
        path=write.path,
        address=write.address,
        detail=write.detail,
        status=noted.status,
    )
