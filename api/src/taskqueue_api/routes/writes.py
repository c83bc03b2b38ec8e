"""/v1/writes: the newest writes of this API: caller, path, time and address of each."""

from taskqueue.views.writes import WriteRow
from taskqueue.views.writes import list_writes as read_writes
from taskqueue_api.parts import UsedParts
from taskqueue_api.request.pages import After, Limit, Page, offset_of, page
from taskqueue_api.request.route import new_router

router = new_router("writes")


@router.get("")
async def list_writes(parts: UsedParts, limit: Limit = 100, after: After = "") -> Page[WriteRow]:
    """List the newest writes of this API, the newest first: the store keeps a thousand."""
    begin = offset_of(after)
    rows = await read_writes(parts.store)
    return page(rows[begin : begin + limit], str(begin + limit) if len(rows) > begin + limit else "")
