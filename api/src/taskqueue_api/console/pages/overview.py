"""The overview: the release as a whole, problems first."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.values import LimitKey
from taskqueue.plan.lanes import Lane
from taskqueue_api.console.page import Page, Visit
from taskqueue_api.console.plan_curve import peek_curve
from taskqueue_api.live.snapshot import Snapshot

#: Seconds from the due of the oldest job on which jobs count as late.
_LATE_S = 5.0
#: Names that a sentence lists.
_NAMES = 5


async def _read(visit: Visit) -> Mapping[str, Any]:
    snapshot = visit.snapshot
    limits = snapshot.catalog.limits
    names = [GLOBAL_LIMIT, *(name for name, one in sorted(limits.items()) if one.key is LimitKey.RELEASE)]
    limit = visit.values.get("limit", GLOBAL_LIMIT)
    return {
        "limit": limit if limit in names else GLOBAL_LIMIT,
        "curves": {name: peek_curve(visit.parts, snapshot, name) for name in names},
        "problems": list(_problems(snapshot)),
        "lanes": {lane.value: snapshot.work.due_jobs.get(lane.value, 0) for lane in Lane},
        "is_late": snapshot.work.oldest_due_s >= _LATE_S,
    }


def _problems(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield the state and the text of each fact that a person should know first."""
    audit, work, catalog = snapshot.audit, snapshot.work, snapshot.catalog
    if not catalog.installed_ms:
        yield "info", "No manifests were published yet: taskqueue apply, a scheduler or the operator does it."
        return
    is_lost = audit.cursor < 0 and not catalog.refilling
    facts: tuple[tuple[object, str, str], ...] = (
        (is_lost, "bad", "The cursor is lost, so nothing is emitted. taskqueue cursor set TIME restores it."),
        (audit.difference, "bad", "Jobs do not add up. Keep the store as it is and report this as a bug."),
        (not work.workers, "bad", "No worker has given a sign of life for a minute."),
        (catalog.rate is None, "bad", "The global limit is not set, so nothing starts."),
        (catalog.refilling or catalog.replay, "warn", "The store lost its state and is being filled again."),
        (catalog.unreadable, "warn", f"Task types that cannot be read: {_listed(catalog.unreadable)}"),
        (catalog.behind, "warn", f"Types that a full queue holds back: {_listed(catalog.behind)}"),
        (catalog.overrides, "info", f"Limits set by hand: {_listed(catalog.overrides)}"),
        (catalog.paused, "info", f"Paused types: {_listed(catalog.paused)}"),
    )
    yield from ((state, text) for holds, state, text in facts if holds)


def _listed(names: Collection[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(sorted(names)[:_NAMES]) + more


PAGE = Page(name="overview", path="/", menu="Overview", read=_read, query=("limit",))
