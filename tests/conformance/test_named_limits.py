"""Limits by name, long form: worker processes with a backlog of each limit, against an API that counts for each.

booked_above: by how many starts a limit was exceeded in the store's books, 0 where it was kept. early_ms: the time by
which the worst span of arrivals was too short for its starts; the promise is 15.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from taskqueue.models.values import Limit, LimitKey, Priority, Schedule, TaskType
from tests.support.site.saturated import Backlog, Saturated, saturate

pytestmark = pytest.mark.conformance
HOUR = Schedule(interval_s=3600)
EARLY_MS = 15.0
PRIORITIES = {"high": Priority.HIGH, "normal": Priority.NORMAL, "low": Priority.LOW}


def release(name: str, rate: float, within: str | None = None) -> Limit:
    return Limit(name, LimitKey.RELEASE, rate, within=within)


def backlog(name: str, limit: str, queue: str, jobs: int, users: int = 1_000) -> Backlog:
    """A type `x-high` has the priority High."""
    lane = name.rpartition("-")[2]
    lane = lane if lane in PRIORITIES else "normal"
    made = TaskType(
        name, HOUR, function="noop", limits=(limit,), params={"limits": limit}, priority=PRIORITIES[lane]
    )
    return Backlog(made, queue, jobs, users, lane)


def report(row: Callable[..., None], case: str, seen: Saturated, *names: str) -> None:
    """Print the figures of a case, and hold it to what is promised for all of them."""
    above = seen.exceeded()
    for name in names:
        counted, rate = seen.rows[name], seen.rows[name]["per_second"]
        row(
            f"{case}: {name}",
            rate,
            booked_above=above.get(name, 0.0),
            early_ms=counted["worst"]["early_ms"],
            worst_second=counted["worst_second"],
            use=seen.use(name, rate) if counted["key"] == "Release" else counted["use"],
        )
    row(case, seen.per_second, taking=seen.taking, other=seen.other, audit=seen.difference)
    assert above == {}
    assert seen.difference == 0


def check_arrivals(seen: Saturated, *names: str) -> None:
    """Hold the arrivals to the limits; last in each case, as requests of a busy machine are held up on their way."""
    early_ms = {name: seen.rows[name]["worst"]["early_ms"] for name in names}
    assert max(early_ms.values()) <= EARLY_MS, early_ms


async def test_three_limits_and_2_000_users_at_once(tmp_path: Path, row: Callable[..., None]) -> None:
    rates = {"a": 100, "b": 37, "c": 7}
    limits = [*(release(name, rate) for name, rate in rates.items()), Limit("own", LimitKey.USER, 0.5)]
    backlogs = [backlog(name, name, name, 60 * rate) for name, rate in rates.items()]
    seen = await saturate(tmp_path, limits, [*backlogs, backlog("own", "own", "global", 60_000, 2_000)])
    report(row, "three and 2,000 users", seen, *rates, "own")
    for name, rate in rates.items():
        assert seen.use(name, rate) >= 0.975
    assert seen.taking <= 20 + 0.1 * seen.per_second
    check_arrivals(seen, *rates, "own")


async def test_fifty_limits_of_which_45_are_idle(tmp_path: Path, row: Callable[..., None]) -> None:
    limits = [release(f"l{number}", 20) for number in range(50)]
    busy = [f"l{number}" for number in range(5)]
    seen = await saturate(tmp_path, limits, [backlog(name, name, name, 1_200) for name in busy], workers=8)
    report(row, "fifty, 45 of them idle", seen, *busy)
    for name in busy:
        assert seen.use(name, 20) >= 0.975
    assert seen.taking <= 20 + 0.1 * seen.per_second
    check_arrivals(seen, *busy)


async def test_idle_workers_make_few_calls(tmp_path: Path, row: Callable[..., None]) -> None:
    limits = [release(f"l{number}", 20) for number in range(50)]
    seen = await saturate(tmp_path, limits, [backlog("few", "l0", "l0", 20)], workers=8, seconds=20.0)
    row("fifty, all idle, 8 workers", 0, calls=seen.taking + seen.other)
    assert (seen.per_second, seen.difference) == (0, 0)
    assert seen.taking + seen.other <= 10


async def test_an_endpoint_within_a_saturated_app(tmp_path: Path, row: Callable[..., None]) -> None:
    limits = [release("app", 100), release("orders", 10, "app")]
    backlogs = [backlog("orders", "orders", "orders", 700), backlog("rest", "app", "app", 6_000)]
    seen = await saturate(tmp_path, limits, backlogs)
    report(row, "10/s within 100/s", seen, "app", "orders")
    assert seen.use("app", 100) >= 0.95
    assert seen.use("orders", 10) >= 0.95
    assert seen.taking <= 40 + 0.1 * seen.per_second
    check_arrivals(seen, "app", "orders")


async def test_500_shops_within_their_app(tmp_path: Path, row: Callable[..., None]) -> None:
    limits = [release("app", 100), Limit("shop", LimitKey.USER, 2.0, 40, "app")]
    seen = await saturate(tmp_path, limits, [backlog("sync", "shop", "app", 6_000, 500)])
    report(row, "500 shops within 100/s", seen, "app", "shop")
    assert seen.use("app", 100) >= 0.95
    shops = Counter(one.user for one in seen.starts)
    assert len(shops) == 500
    assert max(shops.values()) - min(shops.values()) <= 2, "in the order of the dues"
    check_arrivals(seen, "app", "shop")


async def test_two_apps_share_the_global_limit(tmp_path: Path, row: Callable[..., None]) -> None:
    limits = [release("a", 100), release("b", 100)]
    backlogs = [backlog(name, name, name, 5_000) for name in "ab"]
    seen = await saturate(tmp_path, limits, backlogs, rate=150.0)
    report(row, "two within 150/s", seen, "a", "b")
    assert seen.use("global", 150) >= 0.95
    assert seen.use("a", 100) == pytest.approx(seen.use("b", 100), rel=0.05)
    check_arrivals(seen, "a", "b")


@pytest.mark.parametrize("children", [(), ("a", "b")], ids=["one", "children"])
async def test_lanes_share_8_4_2(children: tuple[str, ...], tmp_path: Path, row: Callable[..., None]) -> None:
    limits = [release("app", 100), *(release(name, 60, "app") for name in children)]
    queues = children or ("app",)
    backlogs = [backlog(f"{queue}-{lane}", queue, queue, 4_000) for queue in queues for lane in PRIORITIES]
    seen = await saturate(tmp_path, limits, backlogs)
    report(row, f"lanes, {len(children)} children", seen, "app")
    found = Counter(one.type.rpartition("-")[2] for one in seen.steady)
    for lane, weight in {"high": 8, "normal": 4, "low": 2}.items():
        assert found[lane] / found.total() == pytest.approx(weight / 14, rel=0.05)
    check_arrivals(seen, "app")


async def test_buckets_never_give_more_than_burst_and_rate(tmp_path: Path, row: Callable[..., None]) -> None:
    limits = [release("app", 100), Limit("shop", LimitKey.USER, 2.0, 40, "app")]
    seen = await saturate(
        tmp_path, limits, [backlog("sync", "shop", "app", 3_000, 20)], settle_s=0, seconds=60
    )
    report(row, "buckets of 40", seen, "app", "shop")
    shops = Counter(one.user for one in seen.starts)
    assert len(shops) == 20
    assert min(shops.values()) >= 0.95 * (40 + 2 / 1.02 * 60)
    check_arrivals(seen, "app", "shop")
