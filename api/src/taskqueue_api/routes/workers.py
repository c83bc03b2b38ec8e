"""/v1/workers: workers that sent a heartbeat in the last hour."""

from taskqueue.views.workers import WorkerRow
from taskqueue.views.workers import list_workers as read_workers
from taskqueue_api.parts import UsedParts
from taskqueue_api.request.pages import Page
from taskqueue_api.request.route import new_router

router = new_router("workers")


@router.get("")
async def list_workers(parts: UsedParts) -> Page[WorkerRow]:
    """List workers that sent a heartbeat in the last hour, by name."""
    return Page(items=await read_workers(parts.store), next=None)
