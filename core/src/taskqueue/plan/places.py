"""The places that a new store deals, user after user, and how many jobs of some types bunch there.

All types of a class are numbered together, so one type has every m-th place where users have m types of the
class. Most of such series lie evenly as well; some do not: with 60 types and a window of 60 s, each type
has one second for all its users.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from operator import mul

from taskqueue.plan.schedule import window_s
from taskqueue.plan.spread import offset_ms, spread_class
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand

# A window is looked at in so many parts at most; those of a short one are its seconds.
_MAX_PARTS = 900

#: Of a type: subscriptions in each part of the window.
Places = Mapping[str, Sequence[int]]


def deal(demands: Iterable[TypeDemand], users: Iterable[UserDemand]) -> Places:
    """Return the places of each type. Raises ScheduleError.

    >>> from taskqueue.models.values import Schedule
    >>> deal([TypeDemand("sync", Schedule(interval_s=5), 3)], [UserDemand("ada", ("sync",), users=3)])["sync"]
    [1, 1, 0, 1, 0]
    """
    dealt = Counter[str]()
    windows = {demand.type: (spread_class(demand.schedule), window_s(demand.schedule)) for demand in demands}
    places = {name: [0] * min(window, _MAX_PARTS) for name, (_, window) in windows.items()}
    for user in users:
        running = [(places[name], *windows[name]) for name in user.types if name in windows]
        for _ in range(user.users):
            for parts, family, window in running:
                number = dealt[family]
                dealt[family] = number + 1
                parts[offset_ms(number, window) * len(parts) // (window * 1000)] += 1
    return places


def excess_slots(demands: Collection[TypeDemand], places: Places) -> float:
    """Return the slots by which the demand of any time exceeds that of an even flow. Raises ScheduleError.

    Two parts of the window count as no time, as jobs may lie at the end of one and the beginning of the other.
    """
    by_class: defaultdict[str, list[TypeDemand]] = defaultdict(list)
    for demand in demands:
        if demand.type in places and any(places[demand.type]):
            by_class[spread_class(demand.schedule)].append(demand)
    excess = 0.0
    for alike in by_class.values():
        # Slots of a place: fewer where the demand is a part of what was dealt.
        weights = [demand.slots / sum(places[demand.type]) for demand in alike]
        parts = [
            sum(map(mul, weights, counts))
            for counts in zip(*(places[demand.type] for demand in alike), strict=True)
        ]
        mean = sum(parts) / len(parts)
        ahead = list(accumulate((part - mean for part in parts), initial=0.0))
        excess += max(ahead) - min(ahead) + 2 * mean
    return excess
