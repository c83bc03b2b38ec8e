"""One task type: its spread, lateness and outcomes of a day, next periods, and the forms to pause and to run it."""

from collections.abc import Mapping, Sequence
from typing import Any

from taskqueue.models.outcome import Outcome
from taskqueue.plan.schedule import window_s
from taskqueue.store.history import LATENESS_BOUNDS_MS, read_hours, to_counts
from taskqueue.views.type_detail import read_type_detail
from taskqueue_api.console.filters import duration
from taskqueue_api.console.page import Page, Visit
from taskqueue_api.console.type_spread import read_spread
from taskqueue_api.parts import Parts

#: Seconds for which the details, and the counts of a day, are kept.
_DETAIL_S, _DAY_S = 2.0, 10.0
_HOURS = 24
_HOUR_MS = 3_600_000


async def _read(visit: Visit) -> Mapping[str, Any]:
    parts, name = visit.parts, visit.values["name"]
    readings, record = parts.reader.readings, visit.snapshot.catalog.records.get(name)
    detail = await readings.get(("type", name), lambda: read_type_detail(parts.store, name), _DETAIL_S)
    hour = visit.snapshot.taken_ms // _HOUR_MS
    day = await readings.get(("type day", name, hour), lambda: _read_day(parts, name, hour), _DAY_S)
    spread: Sequence[int] = ()
    if record and record.newest:
        newest = record.newest
        spread = await readings.get(("spread", name), lambda: read_spread(parts.store, name, newest), _DAY_S)
    return {
        "detail": detail,
        "spread": spread,
        "window_s": window_s(record.task_type.schedule) if record else None,
        "lateness": day[0],
        "outcomes": day[1],
    }


async def _read_day(parts: Parts, name: str, hour: int) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return the starts by lateness, and the outcomes, of the last 24 hours."""
    hours = await read_hours(parts.store, [(name, one) for one in range(hour - _HOURS, hour + 1)])
    counts = [to_counts(counters) for minutes in hours for counters in minutes.values()]
    starts = [sum(column) for column in zip(*(one.starts for one in counts), strict=True)]
    outcomes = [sum(column) for column in zip(*(one.outcomes for one in counts), strict=True)]
    bounds = [f"up to {duration(bound / 1000)}" for bound in LATENESS_BOUNDS_MS]
    classes = [*bounds, f"above {duration(LATENESS_BOUNDS_MS[-1] / 1000)}", "later attempts"]
    return dict(zip(classes, starts, strict=False)), dict(zip(map(str, Outcome), outcomes, strict=False))


PAGE = Page(name="type", path="/types/{name}", menu="Types", read=_read)
