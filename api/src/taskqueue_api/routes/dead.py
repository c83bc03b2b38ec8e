"""/v1/dead: jobs that used up their attempts."""

from collections.abc import Awaitable, Callable, Sequence

from fastapi import Request
from pydantic import BaseModel, Field

from taskqueue.models.fields import TypeName
from taskqueue.models.part import Part
from taskqueue.store.connection import Store
from taskqueue.store.dead import move_in_batches, purge_dead, retry_dead
from taskqueue.views.dead import DeadRow, read_dead_detail
from taskqueue.views.dead import list_dead as read_rows
from taskqueue.views.dead_groups import DeadGroup, read_dead_names
from taskqueue.views.dead_groups import list_dead_groups as read_groups
from taskqueue_api.noted_writes import note
from taskqueue_api.parts import UsedParts
from taskqueue_api.problems import invalid_field
from taskqueue_api.request.pages import After, Limit, Page, offset_of, page
from taskqueue_api.request.params import WithParams, params_fields
from taskqueue_api.request.paths import JobPath
from taskqueue_api.request.route import new_router

router = new_router("dead")


class DeadAnswer(DeadRow, WithParams):
    """A dead job with its params."""


class DeadSpec(Part):
    """Dead jobs: by name, all of a type, or the group of a type and a reason."""

    jobs: list[str] | None = Field(
        default=None, min_length=1, max_length=10_000, description="Names of dead jobs."
    )
    type: TypeName | None = Field(default=None, description="Dead jobs of this type.")
    reason: str | None = Field(default=None, description="Only the ones with this reason.")


class Retried(BaseModel):
    """The effect of a retry."""

    retried: int = Field(description="Number of jobs that are back in their lanes.")


class Purged(BaseModel):
    """The effect of a purge."""

    purged: int = Field(description="Number of jobs that were deleted.")


@router.get("")
async def list_dead(parts: UsedParts, limit: Limit = 100, after: After = "") -> Page[DeadRow]:
    """List dead jobs, the newest first, a page at a time. A job that dies meanwhile moves the list on by one."""
    begin = offset_of(after)
    rows = await read_rows(parts.store, limit, begin)
    return page(rows, str(begin + limit) if len(rows) == limit else "")


@router.get("/groups")
async def list_dead_groups(parts: UsedParts) -> Page[DeadGroup]:
    """List dead jobs grouped by type and reason, the largest group first."""
    return Page(items=await read_groups(parts.store), next=None)


@router.get("/{job}")
async def read_dead(parts: UsedParts, job: JobPath) -> DeadAnswer:
    """Read a dead job. Params are shown by their names, unless the setting show_params is on."""
    found = await read_dead_detail(parts.store, job)
    return DeadAnswer(**found.model_dump(exclude={"params"}), **params_fields(parts.settings, found.params))


@router.post("/retry")
async def retry(request: Request, parts: UsedParts, spec: DeadSpec) -> Retried:
    """Return dead jobs to their lanes, with all attempts and no deadline; jobs that are not dead are left out."""
    return Retried(retried=await _move(request, parts.store, retry_dead, spec))


@router.post("/purge")
async def purge(request: Request, parts: UsedParts, spec: DeadSpec) -> Purged:
    """Delete dead jobs; jobs that are not dead are left out."""
    return Purged(purged=await _move(request, parts.store, purge_dead, spec))


async def _move(
    request: Request, store: Store, act: Callable[[Store, Sequence[str]], Awaitable[int]], spec: DeadSpec
) -> int:
    """Apply a verb to dead jobs in batches, and return their number. Raises ProblemError."""
    if (spec.jobs is None) == (spec.type is None):
        raise invalid_field("jobs", "give jobs or type: one of them")
    if spec.reason is not None and spec.type is None:
        raise invalid_field("type", "add type: a group has type and reason")
    jobs = spec.jobs or await read_dead_names(store, str(spec.type), spec.reason)
    moved = 0
    async for number in move_in_batches(act, store, jobs):
        moved += number
        note(request, f"{moved} jobs: {f'of type {spec.type}' if spec.type else 'named'}")
    return moved
