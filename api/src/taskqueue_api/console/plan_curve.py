"""The starts of a limit around now, planned and actual, a value each minute; computed once for all viewers.

The plan is that of `taskqueue plan show --store`, day by day. Actual starts come from the history, hour by hour; only
the current hour is read again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.limit_tree import path_of
from taskqueue.store.history import MINUTES_PER_HOUR, read_hours, sum_starts
from taskqueue.store.types import Catalog
from taskqueue.views.limits import rate_in_force
from taskqueue.views.plan import PlanDay
from taskqueue_api.live.snapshot import Snapshot
from taskqueue_api.parts import Parts

STEP_S = 60
_HOUR_S, _DAY_S = 3_600, 86_400
#: Hours before and after the current one that a curve shows.
HOURS = 12
#: Seconds for which a curve, the demands, a current hour and a past hour are kept.
_CURVE_S, _DEMANDS_S, _HOUR_NOW_S, _HOUR_PAST_S = 20.0, 15.0, 30.0, 3_600.0
#: Seconds from the end of an hour until its counts are complete: workers flush every few, and later after an outage.
_COMPLETE_S = 300


@dataclass(frozen=True, slots=True)
class Curve:
    """Starts per second, cost-weighted, one value for each minute from from_s on (epoch).

    per_second: the limit's rate in force; None for none.   actual: up to the last minute that has ended.
    """

    limit: str
    from_s: int
    per_second: float | None
    planned: Sequence[float]
    actual: Sequence[float]

    @property
    def peak(self) -> float:
        """Return the highest planned value."""
        return max(self.planned, default=0.0)

    @property
    def now(self) -> float | None:
        """Return the starts of the last minute that ended; None without one."""
        return self.actual[-1] if self.actual else None

    @property
    def peak_s(self) -> int:
        """Return the minute of the highest planned value, epoch."""
        return self.from_s + STEP_S * self.planned.index(self.peak)


def _from_of(snapshot: Snapshot) -> int:
    """Return the first second of the curves at a snapshot."""
    return (snapshot.taken_ms // 1000 // _HOUR_S - HOURS) * _HOUR_S


def peek_curve(parts: Parts, snapshot: Snapshot, limit: str) -> Curve | None:
    """Return the curve of a Release limit; None until it was computed for the first time."""
    return parts.reader.readings.peek(("curve", limit), lambda: _compute(parts, snapshot, limit), _CURVE_S)


async def read_curve(parts: Parts, snapshot: Snapshot, limit: str) -> Curve:
    """Return the curve of a Release limit."""
    return await parts.reader.readings.get(
        ("curve", limit), lambda: _compute(parts, snapshot, limit), _CURVE_S
    )


async def _compute(parts: Parts, snapshot: Snapshot, limit: str) -> Curve:
    from_s, now_s = _from_of(snapshot), snapshot.taken_ms // 1000
    until_s = from_s + (2 * HOURS + 1) * _HOUR_S
    days = range(from_s // _DAY_S * _DAY_S, until_s, _DAY_S)
    planned: list[float] = []
    for day_s in days:
        planned += _starts_of(await parts.reader.plans.read(day_s, _DEMANDS_S), limit)
    first = (from_s - days[0]) // STEP_S
    planned = [round(start / STEP_S, 6) for start in planned[first : first + (until_s - from_s) // STEP_S]]
    actual = await _read_actual(parts, snapshot.catalog, limit, from_s // _HOUR_S, now_s)
    ended = (now_s - from_s) // STEP_S
    return Curve(limit, from_s, _finite_rate(snapshot.catalog, limit), planned, actual[:ended])


def _finite_rate(catalog: Catalog, limit: str) -> float | None:
    """Return the rate of a limit; None for none."""
    rate = rate_in_force(catalog, limit)
    return None if rate == math.inf else rate


def _starts_of(day: PlanDay, limit: str) -> Sequence[float]:
    if limit == GLOBAL_LIMIT:
        return day.starts
    return next((one.starts for one in day.limits if one.limit == limit), [0.0] * len(day.starts))


async def _read_actual(
    parts: Parts, catalog: Catalog, limit: str, first_hour: int, now_s: int
) -> list[float]:
    """Return the starts per second of each minute up to now, weighted by the cost that the types have now."""
    found = []
    for hour in range(first_hour, now_s // _HOUR_S + 1):
        is_past = now_s >= (hour + 1) * _HOUR_S + _COMPLETE_S
        by_limit = await _read_hour(parts, catalog, hour, is_past=is_past)
        found += [round(slots / STEP_S, 6) for slots in by_limit.get(limit, [0] * MINUTES_PER_HOUR)]
    return found


async def _read_hour(
    parts: Parts, catalog: Catalog, hour: int, *, is_past: bool
) -> Mapping[str, Sequence[int]]:
    """Return the slots of each minute of an hour that starts took, by limit."""

    async def read() -> Mapping[str, Sequence[int]]:
        names = list(catalog.records)
        history = await read_hours(parts.store, [(name, hour) for name in names])
        found: dict[str, list[int]] = {}
        for name, minutes in zip(names, history, strict=True):
            task_type = catalog.records[name].task_type
            path = path_of(task_type.limits, catalog.limits).release if minutes else ()
            for limit in (GLOBAL_LIMIT, *(one.name for one in path)):
                slots = found.setdefault(limit, [0] * MINUTES_PER_HOUR)
                for minute, counters in minutes.items():
                    slots[minute % MINUTES_PER_HOUR] += sum_starts(counters) * task_type.cost
        return found

    period_s = _HOUR_PAST_S if is_past else _HOUR_NOW_S
    # The version stands for types, costs and limits; a store that was emptied counts its versions anew.
    key = ("history", hour, is_past, catalog.installed_ms, catalog.version)
    return await parts.reader.readings.get(key, read, period_s, is_past=is_past)
