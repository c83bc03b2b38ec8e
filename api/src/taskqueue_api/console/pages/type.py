"""One task type: its spread, lateness and outcomes of a day, next periods, and the forms to pause and to run it."""

from collections.abc import Mapping, Sequence
from typing import Any

from taskqueue.plan.schedule import window_s
from taskqueue.views.history import TypeHistory, read_type_history
from taskqueue.views.type_detail import read_type_detail
from taskqueue.views.type_spread import read_spread
from taskqueue_api.console.filters import duration
from taskqueue_api.console.page import Page, Visit

#: Seconds for which the details, and the counts of a day, are kept.
_DETAIL_S, _DAY_S = 2.0, 10.0
_DAY_MS = 86_400_000


async def _read(visit: Visit) -> Mapping[str, Any]:
    parts, name = visit.parts, visit.values["name"]
    readings, record = parts.reader.readings, visit.snapshot.catalog.records.get(name)
    detail = await readings.get(("type", name), lambda: read_type_detail(parts.store, name), _DETAIL_S)
    day = await readings.get(
        ("type day", name), lambda: read_type_history(parts.store, name, _DAY_MS), _DAY_S
    )
    spread: Sequence[int] = ()
    if record and record.newest:
        newest = record.newest
        spread = await readings.get(("spread", name), lambda: read_spread(parts.store, name, newest), _DAY_S)
    return {
        "detail": detail,
        "spread": spread,
        "window_s": window_s(record.task_type.schedule) if record else None,
        "lateness": _by_lateness(day),
        "outcomes": day.outcomes,
    }


def _by_lateness(day: TypeHistory) -> Mapping[str, int]:
    """Return the starts of a day by lateness, in words."""
    bounds = [duration(bound / 1000) for bound in day.lateness_bounds_ms]
    classes = [*(f"up to {bound}" for bound in bounds), f"above {bounds[-1]}"]
    later = day.started - sum(day.lateness)
    return {**dict(zip(classes, day.lateness, strict=True)), "later attempts": later}


PAGE = Page(name="type", path="/types/{name}", menu="Types", read=_read)
