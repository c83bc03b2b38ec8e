"""/v1/types: task types, their history, and their pauses."""

from typing import Annotated

from fastapi import Query

from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.fields import PositiveDuration
from taskqueue.views.history import TypeHistory, read_type_history
from taskqueue.views.type_detail import TypeDetail, read_type_detail
from taskqueue.views.types import TypeRow
from taskqueue.views.types import list_types as read_types
from taskqueue_api.parts import UsedParts
from taskqueue_api.request.pages import Page
from taskqueue_api.request.paths import TypePath
from taskqueue_api.request.pause import WITHOUT_END, PauseSpec
from taskqueue_api.request.route import new_router

router = new_router("types")


@router.get("")
async def list_types(parts: UsedParts) -> Page[TypeRow]:
    """List the task types by name, each with the number of its running subscriptions."""
    return Page(items=await read_types(parts.store), next=None)


@router.get("/{type}")
async def read_type(parts: UsedParts, task_type: TypePath) -> TypeDetail:
    """Read a task type: its schedule, next periods, limits, and the limit that its jobs wait for."""
    return await read_type_detail(parts.store, task_type)


@router.get("/{type}/history")
async def read_history(
    parts: UsedParts,
    task_type: TypePath,
    for_: Annotated[
        PositiveDuration, Query(alias="for", description="Time up to now, at most 72h.", examples=["6h"])
    ] = "24h",
) -> TypeHistory:
    """Read the history of a type: starts by lateness, and outcomes, in steps of a minute or more."""
    return await read_type_history(parts.store, task_type, parse_positive_ms(for_))


@router.put("/{type}/pause", status_code=204)
async def pause_type(parts: UsedParts, task_type: TypePath, pause: PauseSpec = WITHOUT_END) -> None:
    """Pause a type: no scheduled job of it is emitted or starts; jobs that were enqueued run."""
    await parts.client.pause(task_type=task_type, for_s=pause.for_s)


@router.delete("/{type}/pause", status_code=204)
async def resume_type(parts: UsedParts, task_type: TypePath) -> None:
    """End the pause of a type; harmless without one."""
    await parts.client.resume(task_type=task_type)
