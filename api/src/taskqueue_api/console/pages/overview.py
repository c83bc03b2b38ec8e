"""The overview: the release as a whole, problems first."""

from collections.abc import Iterator, Mapping
from typing import Any

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.values import LimitKey
from taskqueue.plan.lanes import Lane
from taskqueue_api.console.page import Page, Visit
from taskqueue_api.console.plan_curve import read_curve
from taskqueue_api.live.snapshot import Snapshot

#: Seconds from the due of the oldest job on which jobs count as late.
_LATE_S = 5.0


async def _read(visit: Visit) -> Mapping[str, Any]:
    snapshot = visit.snapshot
    limits = snapshot.catalog.limits
    charted = [GLOBAL_LIMIT, *(name for name, one in sorted(limits.items()) if one.key is LimitKey.RELEASE)]
    limit = visit.values.get("limit", GLOBAL_LIMIT)
    limit = limit if limit in charted else GLOBAL_LIMIT
    return {
        "curve": await read_curve(visit.parts, snapshot, limit),
        "charted": charted,
        "problems": list(_problems(snapshot)),
        "lanes": {lane.value: snapshot.audit.due.get(lane.value, 0) for lane in Lane},
        "is_late": snapshot.work.oldest_due_s >= _LATE_S,
    }


def _problems(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield the state and the text of each thing that a person should know first."""
    audit, work, catalog = snapshot.audit, snapshot.work, snapshot.catalog
    if catalog.installed_ms and audit.cursor < 0:
        yield "bad", "The cursor is lost, so nothing is emitted. taskqueue cursor set TIME restores it."
    if audit.difference:
        yield "bad", "Jobs do not add up. Keep the store as it is and report this as a bug."
    if not work.workers:
        yield "bad", "No worker has given a sign of life for a minute."
    if catalog.rate is None:
        yield "bad", "The global limit is not set, so nothing starts."
    if catalog.unreadable:
        yield (
            "warn",
            f"{len(catalog.unreadable)} task types cannot be read: {', '.join(sorted(catalog.unreadable)[:5])}",
        )
    if catalog.behind:
        yield (
            "warn",
            f"Full queues hold {len(catalog.behind)} types back: {', '.join(sorted(catalog.behind)[:5])}",
        )
    if catalog.overrides:
        yield "info", f"Limits set by hand: {', '.join(sorted(catalog.overrides)[:5])}"
    if catalog.paused:
        yield "info", f"{len(catalog.paused)} types are paused: {', '.join(sorted(catalog.paused)[:5])}"
    if catalog.refilling or catalog.replay:
        yield "info", "The store lost its state and is being filled again."


PAGE = Page(name="overview", path="/", menu="Overview", read=_read, query=("limit",))
