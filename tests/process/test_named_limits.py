"""Limits by name as worker processes keep them, by the starts that the store booked: `make conformance`, short."""

from collections import defaultdict
from pathlib import Path

from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from tests.support.site.saturated import Backlog, saturate
from tests.support.store.drive import most_in_a_span

HOUR = Schedule(interval_s=3600)


async def test_limits_and_buckets_hold_side_by_side(tmp_path: Path) -> None:
    rates = {"a": 100.0, "b": 37.0, "c": 7.0}
    limits = [Limit(name, LimitKey.RELEASE, rate) for name, rate in rates.items()]
    limits.append(Limit("shop", LimitKey.USER, 2.0, 20, "a"))
    queues = {"rest": ("a", "a"), "b": ("b", "b"), "c": ("c", "c"), "sync": ("shop", "a")}
    backlogs = [
        Backlog(
            TaskType(name, HOUR, function="noop", limits=(limit,), params={"limits": limit}), queue, 1_500, 10
        )
        for name, (limit, queue) in queues.items()
    ]
    seen = await saturate(tmp_path, limits, backlogs, workers=2, settle_s=1, seconds=4)
    assert seen.exceeded() == {}
    assert seen.difference == 0
    for name, rate in rates.items():
        assert seen.unused_us(name, rate) <= 1_000
    of_users = defaultdict(list)
    for one in seen.starts:
        if one.type == "sync":
            of_users[one.user].append(one.start_us)
    assert len(of_users) == 10
    assert max(most_in_a_span(times, 1_000_000) for times in of_users.values()) > 2, "no bucket was used"
