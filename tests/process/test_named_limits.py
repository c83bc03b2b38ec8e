"""Limits by name as worker processes keep them, by the starts that the store booked: `make conformance`, short."""

from collections import Counter
from pathlib import Path

from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType
from tests.support.site.saturated import Backlog, saturate

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
        assert seen.use(name, rate) >= 0.8, "a busy machine gives starts up that were late"
    buckets = Counter(one.user for one in seen.starts if one.type == "sync")
    assert len(buckets) == 10
    assert 20 <= min(buckets.values()) <= max(buckets.values()) <= 20 + 2 * 8
