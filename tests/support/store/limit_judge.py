"""Judges of starts: whether a limit was exceeded, and how long a job waited while all its limits were free.

Both know nothing of the scripts: they look at starts, rates, bursts and costs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from taskqueue.models.limit_tree import path_of
from taskqueue.plan.limiter import OWN_STRETCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taskqueue.models.values import Limit, TaskType, UserSubscription
    from tests.support.store.simulated_workers import Start

#: Starts may come so much too early: the slack of 15 ms between a start and its arrival has the rest.
TOLERANCE_US = 10_000
#: A bucket keeps so much back for the way from start to arrival.
_SLACK_US = 15_000


class Bucket(NamedTuple):
    """A limit as it holds for one user, or for all."""

    name: str
    per_second: float
    burst: int = 1

    def refill_us(self, cost: float) -> float:
        """Return the time in which so many starts are available again, as the scripts space them."""
        return cost * OWN_STRETCH * 1e6 / self.per_second


@dataclass
class Paths:
    """The limits of each job. own: users' values, by limit and user."""

    types: Mapping[str, TaskType]
    limits: Mapping[str, Limit]
    rate: float
    own: Mapping[tuple[str, str], Bucket]

    @classmethod
    def of(
        cls,
        types: Iterable[TaskType],
        limits: Iterable[Limit],
        rate: float,
        users: Iterable[UserSubscription] = (),
    ) -> Paths:
        own = {
            (limit.name, user.user_id): Bucket(f"{limit.name}|{user.user_id}", limit.per_second, limit.burst)
            for user in users
            for limit in user.limits
        }
        return cls({one.name: one for one in types}, {one.name: one for one in limits}, rate, own)

    def of_job(self, type_name: str, user: str) -> list[Bucket]:
        """Return every limit that a job takes from."""
        task_type = self.types[type_name]
        path = path_of(task_type.limits, self.limits)
        found = [Bucket(one.name, one.per_second, one.burst) for one in path.release]
        for one in path.users:
            plain = Bucket(f"{one.name}|{user}", one.per_second, one.burst)
            found.append(self.own.get((one.name, user), plain))
        if task_type.rate_limit.per_second:
            found.append(Bucket(f"type:{type_name}", task_type.rate_limit.per_second))
        if not math.isinf(self.rate):
            found.append(Bucket("global", self.rate))
        return found

    def by_limit(self, starts: Iterable[Start]) -> dict[Bucket, list[Start]]:
        """Return the starts at each limit, in their order in time."""
        found: dict[Bucket, list[Start]] = defaultdict(list)
        for start in sorted(starts, key=lambda one: one.start_us):
            for bucket in self.of_job(start.type, start.user):
                found[bucket].append(start)
        return found

    def exceeded(self, starts: Iterable[Start]) -> dict[str, float]:
        """Return the limits that were exceeded by booked starts, and by how many."""
        found = {}
        for bucket, of_bucket in self.by_limit(starts).items():
            times, costs = [one.start_us for one in of_bucket], [self.cost(one) for one in of_bucket]
            above = most_above(bucket, times, costs)
            if above > 1e-6:
                found[bucket.name] = above
        return found

    def cost(self, start: Start) -> int:
        return self.types[start.type].cost


def most_above(bucket: Bucket, times_us: Sequence[int], costs: Sequence[int]) -> float:
    """Return by how many starts a limit was exceeded; at most 0 where it was kept.

    times_us: in order. Kept: starts of any span t cost at most burst + rate * t. A start that costs as much as the
    burst or more counts once it is followed by another one: L + 1 starts span at least L / rate less the tolerance,
    which is no longer than a start takes.
    """
    tolerance = min(1.0, bucket.per_second * TOLERANCE_US / 1e6)
    at_most = max(bucket.burst, max(costs) + tolerance)
    level, last_us, worst = 0.0, -math.inf, -math.inf
    for at_us, cost in zip(times_us, costs, strict=True):
        level = max(0.0, level - (at_us - last_us) * bucket.per_second / 1e6) + cost
        last_us = at_us
        worst = max(worst, level - at_most)
    return worst


def busy_spans(
    bucket: Bucket, times_us: Sequence[int], costs: Sequence[int], cost: int
) -> list[tuple[float, float]]:
    """Return the spans in which a limit has no start left for a job of this cost."""
    ahead_us = max(0.0, bucket.refill_us(bucket.burst - cost) - _SLACK_US) if bucket.burst > cost else 0.0
    tat_us, found = 0.0, []
    for at_us, each in zip(times_us, costs, strict=True):
        tat_us = max(tat_us, at_us) + bucket.refill_us(each)
        found.append((float(at_us), tat_us - ahead_us))
    return found


def longest_gap(spans: Iterable[tuple[float, float]], from_us: float, to_us: float) -> tuple[float, float]:
    """Return the longest time between from_us and to_us that no span covers, and its beginning."""
    longest, at_us, covered_us = 0.0, from_us, from_us
    for begin_us, end_us in sorted(spans):
        if begin_us >= to_us:
            break
        if begin_us - covered_us > longest:
            longest, at_us = begin_us - covered_us, covered_us
        covered_us = max(covered_us, end_us)
    if to_us - covered_us > longest:
        longest, at_us = to_us - covered_us, covered_us
    return longest, at_us
