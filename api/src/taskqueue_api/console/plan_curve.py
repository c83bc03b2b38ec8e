"""The planned starts of a limit around now, from the subscriptions of the store; computed once for all viewers."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.limit_tree import path_of
from taskqueue.plan.forecast import starts
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.store.connection import Store
from taskqueue.store.generations import count_subscriptions
from taskqueue.store.types import Catalog
from taskqueue_api.live.readings import Readings
from taskqueue_api.live.snapshot import Snapshot
from taskqueue_api.parts import Parts

STEP_S = 60
_HOUR_S = 3_600
#: Hours before and after the current one that a curve shows.
_HOURS = 12
_DEMANDS_S, _CURVE_S = 60.0, 300.0


@dataclass(frozen=True, slots=True)
class Curve:
    """The planned starts per second of a limit, cost-weighted, one value for each minute from from_s on (epoch).

    per_second: the limit's rate in force; None for none.
    """

    limit: str
    from_s: int
    per_second: float | None
    planned: Sequence[float]

    @property
    def peak(self) -> float:
        """Return the highest value."""
        return max(self.planned, default=0.0)

    @property
    def peak_s(self) -> int:
        """Return the minute of the highest value, epoch."""
        return self.from_s + STEP_S * self.planned.index(self.peak) if self.planned else self.from_s


async def read_curve(parts: Parts, snapshot: Snapshot, limit: str) -> Curve:
    """Return the curve of a Release limit."""
    from_s = snapshot.taken_ms // 1000 // _HOUR_S * _HOUR_S - _HOURS * _HOUR_S
    catalog, readings = snapshot.catalog, parts.reader.readings

    async def compute() -> Sequence[float]:
        demands = await _read_demands(readings, parts.store, catalog)
        mine = [one for one in demands if limit in _limits_of(one, catalog)]
        counts = await asyncio.to_thread(starts, mine, from_s, STEP_S, (2 * _HOURS + 1) * _HOUR_S)
        return [round(count / STEP_S, 3) for count in counts]

    planned = await readings.get(("curve", limit, from_s, catalog.version), compute, _CURVE_S)
    return Curve(limit, from_s, _rate_in_force(catalog, limit), planned)


def _limits_of(demand: TypeDemand, catalog: Catalog) -> set[str]:
    return {GLOBAL_LIMIT, *(limit.name for limit in path_of(demand.limits, catalog.limits).release)}


async def _read_demands(readings: Readings, store: Store, catalog: Catalog) -> Sequence[TypeDemand]:
    async def read() -> Sequence[TypeDemand]:
        newest = {name: record.newest for name, record in catalog.records.items() if record.newest}
        counts = await count_subscriptions(store, newest, catalog.variants)
        return [
            one for name in newest for one in TypeDemand.of(catalog.records[name].task_type, counts[name])
        ]

    return await readings.get(("demands", catalog.version), read, _DEMANDS_S)


def _rate_in_force(catalog: Catalog, limit: str) -> float | None:
    if limit == GLOBAL_LIMIT:
        return None if catalog.rate == math.inf else catalog.rate
    over = catalog.overrides.get(limit)
    return over.rate if over else catalog.limits[limit].per_second
