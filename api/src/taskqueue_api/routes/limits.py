"""/v1/limits: limits, values set by hand, and limits that a handler closed."""

import math
from typing import Annotated

from fastapi import Query, Request

from taskqueue.models.fields import UserId
from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.quantity import NO_LIMIT, written_rate
from taskqueue.models.values import LimitKey
from taskqueue.store.limits import clear_limit, clear_rate, open_limit, override_limit, override_rate
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.views.limits import LimitRow, UserLimit, read_user_limit
from taskqueue.views.limits import list_limits as read_limits
from taskqueue.views.limits import read_limit as read_one
from taskqueue_api.noted_writes import note
from taskqueue_api.parts import UsedParts
from taskqueue_api.problems import invalid_field
from taskqueue_api.request.pages import Page
from taskqueue_api.request.paths import LimitPath
from taskqueue_api.request.route import new_router
from taskqueue_api.routes.override_spec import OverrideSpec

router = new_router("limits")

LimitUser = Annotated[UserId | None, Query(description="User of a limit with key User.")]


@router.get("")
async def list_limits(parts: UsedParts) -> Page[LimitRow]:
    """List the global limit, then all limits by name, each with the values in force and the jobs that wait."""
    return Page(items=await read_limits(parts.store), next=None)


@router.get("/{name}")
async def read_limit(parts: UsedParts, name: LimitPath, user: LimitUser = None) -> LimitRow | UserLimit:
    """Read a limit; with `user` a limit with key User as it is for that user."""
    if user is None:
        return await read_one(parts.store, name)
    return await read_user_limit(parts.store, name, user)


@router.put("/{name}/override")
async def override(request: Request, parts: UsedParts, name: LimitPath, spec: OverrideSpec) -> LimitRow:
    """Set rate and burst of a limit by hand, for all workers within 250 ms.

    No publish ends it. Users with values of their own keep them. More than the configured values needs `for`.
    """
    await read_one(parts.store, name)
    _check(spec, await read_catalog(parts.store), name)
    if name == GLOBAL_LIMIT:
        await override_rate(parts.store, spec.per_second, spec.for_ms)
    else:
        await override_limit(parts.store, name, spec.per_second, spec.burst, spec.for_ms)
    note(request, f"{written_rate(spec.per_second)} starts a second for {spec.for_ or 'ever'}")
    return await read_one(parts.store, name)


@router.delete("/{name}/override", status_code=204)
async def clear_override(parts: UsedParts, name: LimitPath) -> None:
    """End the override of a limit: the configured values are in force again. Harmless for a limit without one."""
    if not await (clear_rate(parts.store) if name == GLOBAL_LIMIT else clear_limit(parts.store, name)):
        # A removed limit may still have had an override; any other name is unknown.
        await read_one(parts.store, name)


@router.delete("/{name}/closure", status_code=204)
async def open_closed(request: Request, parts: UsedParts, name: LimitPath, user: LimitUser = None) -> None:
    """Open a limit that a handler closed because its API said so; harmless for an open one."""
    row = await read_one(parts.store, name)
    if (row.key is LimitKey.USER) != (user is not None):
        rule = (
            "add user: each user has the limit to themselves"
            if user is None
            else "remove user: all jobs share the limit"
        )
        raise invalid_field("user", rule)
    await open_limit(parts.store, name if user is None else f"{name}|{user}")
    if user is not None:
        note(request, f"user {user}")


def _check(spec: OverrideSpec, catalog: Catalog, name: str) -> None:
    """Raise ProblemError for values that a limit cannot have, or can have for a time only."""
    if name == GLOBAL_LIMIT and spec.burst is not None:
        raise invalid_field("burst", "remove burst: the global limit has none")
    if name != GLOBAL_LIMIT and spec.per_second == math.inf:
        message = f'must be a number: only the global limit can be "{NO_LIMIT}"'
        raise invalid_field("perSecond", message)
    limit = catalog.limits.get(name)
    configured = (limit.per_second, limit.burst) if limit else (catalog.configured_rate, 1)
    if spec.for_ is None and spec.raises(*configured):
        raise invalid_field("for", "add for, such as 1h: a limit is raised for a time only")
