"""Margins of the fluid model: for jobs that bunch, and for starts that another limit delays.

Bunching. The places of a class lie evenly; a part of them does so only by chance, which the square root of their
number stands for, or as they are dealt (`places`). Classes, and the first places of each, coincide. The zone of each
user is chance, too; places of zones whose windows are open at once coincide as those of classes do.

Blocking. A start under the inner of two limits waits while the outer one is taken by a job that needs the outer limit
only, and the inner limit's own spacing follows from the later start. So the inner limit loses up to one slot of the
outer one at each start, less the tolerance: nothing within 100 starts a second, a third for 10/s within 15/s.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

from taskqueue.plan.demand import is_steady
from taskqueue.plan.limit_paths import Paths, SharedLimit
from taskqueue.plan.limiter import tolerance_us
from taskqueue.plan.places import Places, excess_slots
from taskqueue.plan.schedule import shortest_gap_s, window_s
from taskqueue.plan.spread import spread_class
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.windows import open_at_once

# Jobs of one class that may be due in the same second although its places lie evenly.
_SAME_SECOND = 2


@dataclass(frozen=True, slots=True)
class Bunching:
    """The signs by which jobs bunch.

    classes: the subscriptions of each class, all types together.   moved: types with limits of key User, which take
    jobs from their places.   places: of types, where users are known.   day_start_s: of the day that is judged.
    """

    classes: Mapping[str, int]
    moved: Collection[str]
    places: Places
    day_start_s: int

    def slots(self, demands: Collection[TypeDemand]) -> float:
        """Return the slots by which the demand for a limit may exceed its even flow. Raises ScheduleError."""
        count, slots, displaced = Counter[str](), Counter[str](), Counter[str]()
        short = 0.0
        for demand in demands:
            name = spread_class(demand.schedule).name
            count[name] += demand.subscriptions
            slots[name] += demand.slots
            displaced[name] += demand.subscriptions if demand.name in self.moved else 0
            if is_steady(demand.schedule):  # a short window counts as its mean
                short += demand.slots * (1 - window_s(demand.schedule) / shortest_gap_s(demand.schedule))
        mean = {name: slots[name] / count[name] for name in count}
        absent = {name: max(0, self.classes.get(name, 0) - count[name]) for name in count}
        uneven = {name: max(min(count[name], absent[name]), displaced[name]) for name in count}
        bunched = max((demand.cost for demand in demands), default=0) + short
        bunched += sum(_SAME_SECOND * cost for cost in mean.values()) + self._between_zones(demands, mean)
        by_chance = sqrt(sum(uneven[name] * cost * cost for name, cost in mean.items()))
        parted = [demand for demand in demands if absent[spread_class(demand.schedule).name]]
        return min(float(slots.total()), bunched + max(by_chance, excess_slots(parted, self.places)))

    def _between_zones(self, demands: Iterable[TypeDemand], mean: Mapping[str, float]) -> float:
        """Return the slots by which the users of each zone may lie unevenly.   mean: slots of a job of each class."""
        same_second = by_chance = 0.0
        in_zones = [demand for demand in demands if demand.zones]
        zones = {demand.schedule: Counter[str]() for demand in in_zones}
        for demand in in_zones:
            zones[demand.schedule].update(dict(demand.zones))
        for schedule, found in zones.items():
            cost = mean[spread_class(schedule).name]
            at_once = open_at_once(schedule, frozenset(found), self.day_start_s)
            same_second += (at_once - 1) * _SAME_SECOND * cost
            by_chance += sum(min(number, found.total() - number) for number in found.values()) * cost * cost
        return same_second + sqrt(by_chance)


class Blocking:
    """The time that limits lose to jobs of the limits around them."""

    def __init__(self, paths: Paths, demands: Iterable[TypeDemand], factor: float) -> None:
        """Take the demands of all types.   factor: starts per first start."""
        self._paths = paths
        self._types: dict[str, list[TypeDemand]] = {name: [] for name in paths.limits}
        self._block_s: dict[str, dict[str, float]] = {name: {} for name in paths.limits}
        self._share: dict[str, dict[str, float]] = {name: {} for name in paths.limits}
        for demand in demands:
            schedule = demand.schedule
            spread_s = shortest_gap_s(schedule) if is_steady(schedule) else window_s(schedule)
            for name in paths.by_type[demand.name]:
                slot_s = paths.limits[name].slot_s
                block_s = max(0.0, slot_s * demand.cost - tolerance_us(slot_s * 1e6) / 1e6)
                self._types[name].append(demand)
                self._block_s[name][demand.name] = block_s
                self._share[name][demand.name] = block_s * demand.subscriptions * factor / spread_s
        self._by_block = {
            name: sorted(block_s, key=block_s.__getitem__, reverse=True)
            for name, block_s in self._block_s.items()
        }

    def types(self, name: str) -> list[TypeDemand]:
        """Return the types that take from a limit."""
        return self._types[name]

    def capacity(self, limit: SharedLimit) -> float:
        """Return the slots a second that a limit is sure to admit."""
        inside = {demand.name for demand in self._types[limit.name]}
        cost = min((demand.cost for demand in self._types[limit.name]), default=1)
        block_s = self._block_before(limit.outer, inside)
        return max(
            1 / (limit.slot_s + block_s / cost), (1 - self._shares(limit.outer, inside)) / limit.slot_s
        )

    def of_user(self, demand: TypeDemand) -> tuple[float, float, float]:
        """Return the loss of a User limit at the limits that its jobs share with all users.

        The seconds at each start of this type; the share of all time; the part of it that this type of a user causes.
        """
        path = self._paths.by_type[demand.name]
        if not path:
            return 0.0, 0.0, 0.0
        own = self._share[path[-1]][demand.name] / demand.subscriptions
        return self._block_before(path, set()), self._shares(path, set()), own

    def _shares(self, outer: Iterable[str], inside: set[str]) -> float:
        """Return the share of all time for which jobs of other types may delay the types inside."""
        share = 0.0
        for name in outer:
            shares = self._share[name]
            share += max(0.0, sum(shares.values()) - sum(shares[other] for other in inside))
            inside = set(shares)
        return share

    def _block_before(self, outer: Iterable[str], inside: set[str]) -> float:
        block_s = 0.0
        for name in outer:
            block_s += next(
                (self._block_s[name][other] for other in self._by_block[name] if other not in inside), 0.0
            )
            inside = set(self._block_s[name])
        return block_s
