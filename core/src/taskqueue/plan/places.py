"""The places that a new store deals, user after user, and how many jobs of some types bunch there.

All types of a class are numbered together, so one type has every m-th place where users have m types of the
class. Most of such series lie evenly as well; some do not: with 60 types and a window of 60 s, each type
has one second for all its users.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from operator import mul

from taskqueue.plan.spread import SpreadClass, spread_class
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand

# A window is looked at in so many parts at most; those of a short one are its seconds.
_MAX_PARTS = 900

#: Of a type and class: subscriptions in each part of the window. A type with another schedule has none yet.
Places = Mapping[tuple[str, SpreadClass], Sequence[int]]


def deal(demands: Iterable[TypeDemand], users: Iterable[UserDemand]) -> Places:
    """Return the places of each type. Raises ScheduleError.

    >>> from taskqueue.models.values import Schedule
    >>> places = deal([TypeDemand("sync", Schedule(interval_s=5), 3)], [UserDemand("ada", ("sync",), users=3)])
    >>> [sorted(parts) for parts in places.values()]
    [[0, 0, 1, 1, 1]]
    """
    dealt = Counter[SpreadClass]()
    classes = {demand.name: spread_class(demand.schedule) for demand in demands}
    places = {(name, family): [0] * min(family.window_s, _MAX_PARTS) for name, family in classes.items()}
    for user in users:
        running = [classes[name] for name in user.types if name in classes]
        parts_of = [places[name, classes[name]] for name in user.types if name in classes]
        for _ in range(user.users):
            for family, parts in zip(running, parts_of, strict=True):
                number = dealt[family]
                dealt[family] = number + 1
                parts[family.offset_ms(number) * len(parts) // (family.window_s * 1000)] += 1
    return places


def excess_slots(demands: Collection[TypeDemand], places: Places) -> float:
    """Return the slots by which the demand of any time exceeds that of an even flow. Raises ScheduleError.

    Two parts of the window count as no time, as jobs may lie at the end of one and the beginning of the other.
    """
    by_class: defaultdict[SpreadClass, list[tuple[TypeDemand, Sequence[int]]]] = defaultdict(list)
    for demand in demands:
        name = spread_class(demand.schedule)
        found = places.get((demand.name, name), ())
        if any(found):
            by_class[name].append((demand, found))
    excess = 0.0
    for alike in by_class.values():
        # Slots of a place: fewer where the demand is a part of what was dealt.
        weights = [demand.slots / sum(found) for demand, found in alike]
        parts = [
            sum(map(mul, weights, counts)) for counts in zip(*(found for _, found in alike), strict=True)
        ]
        mean = sum(parts) / len(parts)
        ahead = list(accumulate((part - mean for part in parts), initial=0.0))
        excess += max(ahead) - min(ahead) + 2 * mean
    return excess
