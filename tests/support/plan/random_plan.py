"""Plans at random, with limits near what the plan asks of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

from taskqueue.models.limit_tree import path_of
from taskqueue.models.values import Limit, LimitKey, Priority, Schedule, UserLimit
from taskqueue.plan.schedule import shortest_gap_s
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand

INTERVALS_S = (10, 20, 30, 60, 120, 300)
#: Of users; between them lie odd numbers of hours, and three quarters of one.
ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo")
#: Names of limits, each with the one that it may be within.
OUTER = {"a": None, "b": "a", "c": "b", "d": "a", "e": None, "f": "e"}
#: Asked of a limit from which no type takes, slots a second.
NOTHING = 1e-4


@dataclass(frozen=True, slots=True)
class RandomPlan:
    """The inputs of a verdict.   zones: of users, by id; no entry: UTC."""

    demands: tuple[TypeDemand, ...]
    users: tuple[UserDemand, ...]
    limits: Mapping[str, Limit]
    rate: float | None
    zones: Mapping[str, str] = field(default_factory=dict)

    @property
    def longest_period_s(self) -> int:
        return max(period_s(demand) for demand in self.demands)


def random_plan(
    random: Random,
    room: tuple[float, float],
    intervals_s: Sequence[int] = INTERVALS_S,
    crons: Sequence[str] = (),
    users: int = 40,
) -> RandomPlan:
    """Return a plan of which each limit has about `room` times what is asked of it, between the lower and the upper.

    intervals_s: of types, of which a subscription may choose another one.   crons: of types in the zones of users.
    users: at most.
    """
    limits = _limits(random)
    types = [
        _type(random, f"t{number}", limits, intervals_s, crons) for number in range(random.randint(1, 6))
    ]
    everybody = [
        UserDemand(
            f"u{number}",
            tuple(
                sorted(random.choice(one).name for one in random.sample(types, random.randint(1, len(types))))
            ),
        )
        for number in range(random.randint(1, users))
    ]
    zones = {one.user_id: random.choice(ZONES) for one in everybody if crons}
    demands = tuple(_counted(demand, everybody, zones) for several in types for demand in several)
    chosen = random.uniform(*room)
    rated = {
        name: replace(
            limit, per_second=needed(limit, demands, everybody, limits) * chosen * random.choice((1, 1, 1.5))
        )
        for name, limit in limits.items()
    }
    asked = {
        several[0].type: sum(
            max(one.slots, 1) / period_s(one) for one in demands if one.type == several[0].type
        )
        for several in types
        if random.random() < 0.1
    }
    demands = tuple(
        replace(one, per_second=asked[one.type] * chosen) if one.type in asked else one for one in demands
    )
    own = tuple(
        UserLimit(name, limit.per_second * random.choice((1, 2)), random.choice((1, 5)))
        for name, limit in sorted(rated.items())
        if limit.key is LimitKey.USER
    )
    everybody = [replace(user, limits=own) if random.random() < 0.1 else user for user in everybody]
    total = sum(demand.slots / period_s(demand) for demand in demands)
    return RandomPlan(
        demands,
        tuple(everybody),
        rated,
        random.choice((None, total * chosen * random.uniform(1, 1.5))),
        zones,
    )


def _counted(demand: TypeDemand, users: Sequence[UserDemand], zones: Mapping[str, str]) -> TypeDemand:
    """Return the demand with the subscriptions that users have to it."""
    found = Counter(zones.get(user.user_id, "UTC") for user in users if demand.name in user.types)
    by_zone = tuple(sorted(found.items())) if demand.schedule.cron else ()
    return replace(demand, subscriptions=found.total(), zones=by_zone)


def needed(
    limit: Limit, demands: Sequence[TypeDemand], users: Sequence[UserDemand], limits: Mapping[str, Limit]
) -> float:
    """Return the slots a second that all users ask of a limit, or the user who asks for most."""
    per_user = {
        demand.name: demand.cost / period_s(demand) if _takes(demand, limit.name, limits) else 0.0
        for demand in demands
    }
    asked = [sum(per_user[name] for name in user.types) for user in users]
    if limit.key is LimitKey.RELEASE:
        return max(NOTHING, sum(each * user.users for each, user in zip(asked, users, strict=True)))
    return max(NOTHING, *asked)


def period_s(demand: TypeDemand) -> int:
    return shortest_gap_s(
        replace(demand.schedule, time_zone="UTC") if demand.schedule.cron else demand.schedule
    )


def _takes(demand: TypeDemand, name: str, limits: Mapping[str, Limit]) -> bool:
    path = path_of(demand.limits, limits)
    return any(limit.name == name for limit in (*path.release, *path.users))


def _limits(random: Random) -> dict[str, Limit]:
    names = random.sample(sorted(OUTER), random.randint(1, len(OUTER)))
    users = {name for name in names if random.random() < 0.3}

    def outer(name: str) -> str | None:
        """Return the nearest of the limits around that is a Release limit of the plan."""
        around = OUTER[name]
        return around if around is None or around in {*names} - users else outer(around)

    return {
        name: Limit(
            name,
            LimitKey.USER if name in users else LimitKey.RELEASE,
            1.0,
            random.choice((1, 1, 1, 3)),
            outer(name),
        )
        for name in names
    }


def _type(
    random: Random, name: str, limits: Mapping[str, Limit], intervals_s: Sequence[int], crons: Sequence[str]
) -> list[TypeDemand]:
    """Return the demand of a type, and of each interval that its subscriptions may choose."""
    interval_s = random.choice(intervals_s)
    cron = random.choice(crons) if crons and random.random() < 0.6 else None
    chosen = {random.choice(intervals_s) for _ in range(random.choice((0, 0, 1, 2)))} - {interval_s}
    schedule = Schedule(cron=cron) if cron else Schedule(interval_s=interval_s)
    period = shortest_gap_s(replace(schedule, time_zone="UTC" if cron else None))
    window_s = random.choice((None, None, period // 2, period // 5))
    release = [one.name for one in limits.values() if one.key is LimitKey.RELEASE]
    users = [one.name for one in limits.values() if one.key is LimitKey.USER]
    short_s = period / (100 if cron else 10)
    named = random.sample(release, min(len(release), random.randint(0, 1)))
    named += random.sample(users, min(len(users), random.choice((0, 0, 1, 2))))
    path = path_of(named, limits).release
    is_chain = all(inner.within == around.name for inner, around in pairwise(path))
    own = TypeDemand(
        name,
        replace(schedule, window_s=window_s),
        subscriptions=0,
        cost=random.choice((1, 1, 1, 3)),
        life_s=random.choice((None, None, period / 2, short_s, 2.0 * period)),
        limits=tuple(sorted(named)) if is_chain else (),
        priority=random.choice((Priority.NORMAL, Priority.NORMAL, Priority.HIGH, Priority.LOW)),
    )
    return [
        own,
        *(own.choosing(replace(own.schedule, interval_s=one), 0) for one in sorted(chosen) if not cron),
    ]
