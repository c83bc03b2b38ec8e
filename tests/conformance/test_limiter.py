"""The limiter, long form: a saturated queue, 4 worker processes, and the view of a counting server.

The bounds are the promise; the figures are of this machine. The worst second is the whole run's, start-up included.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from taskqueue.models.values import Limit, LimitKey, RateLimit, Schedule, TaskType
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import set_rate
from tests.support.site.counting_api import worst_second
from tests.support.site.traffic import traffic
from tests.support.store.backlog import INTERVAL_S, fill, install, server, task_types

pytestmark = pytest.mark.conformance
HOUR = Schedule(interval_s=INTERVAL_S)
SECONDS = 20


@pytest.mark.parametrize(
    ("workers", "rate", "policy"),
    [(4, 100, "Allow"), (4, 1_000, "Allow"), (4, 100, "Forbid"), (4, 1_000, "Forbid"), (20, 100, "Allow")],
)
async def test_a_saturated_queue_uses_all_of_the_limit_and_never_more(
    workers: int, rate: int, policy: str, tmp_path: Path, row: Callable[..., None]
) -> None:
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = task_types(10, forbid=policy == "Forbid")
            await install(running.store, types, 5_000, rate)
            await fill(running.store, types, (SECONDS + 10 + workers) * rate, 5_000)
            await running.start_workers(workers)
            await running.workers_up()
            seen = await running.watch(rate, SECONDS)
            row(
                f"saturated, {workers} workers, {policy}",
                rate,
                worst=seen.worst,
                starts_worst=running.starts_worst(),
                use=seen.per_second() / rate,
                calls_a_start=seen.calls_a_start,
            )
            assert seen.worst <= rate
            assert seen.per_second() >= 0.975 * rate
            assert seen.calls_a_start <= 0.2


async def test_a_slow_type_with_an_old_backlog_delays_no_other(
    tmp_path: Path, row: Callable[..., None]
) -> None:
    rate, limit = 100, 10
    with server() as url:
        async with traffic(url, tmp_path) as running:
            slow = TaskType("slow", HOUR, function="noop", rate_limit=RateLimit(per_second=limit))
            others = task_types(4)
            await install(running.store, [slow, *others], 1_000, rate)
            await fill(running.store, [slow], 1_000, 1_000, older=10)  # a fifth of all jobs
            await fill(running.store, others, 4_000, 1_000)
            await running.start_workers(4)
            seen = await running.watch(rate, SECONDS)
            slow_worst = worst_second([one for one in seen.everything if one.type == "slow"])
            slow_use = seen.per_second("slow") / limit
            use = seen.per_second() / rate
            row(
                "slow type, older backlog",
                rate,
                worst=seen.worst,
                use=use,
                slow_worst=slow_worst,
                slow_use=slow_use,
            )
            assert seen.worst <= rate
            assert use >= 0.975, "the others get what is left"
            assert slow_worst <= limit
            assert slow_use >= 0.95


async def test_costs_from_1_to_20_share_the_limit(tmp_path: Path, row: Callable[..., None]) -> None:
    rate = 100
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = [
                TaskType(f"cost-{n}", HOUR, function="noop", cost=n, timeout_ms=60_000) for n in range(1, 21)
            ]
            await install(running.store, types, 100, rate)
            await fill(running.store, types, 2_000, 100)
            await running.start_workers(4)
            seen = await running.watch(rate, SECONDS)
            row(
                "costs 1 to 20",
                rate,
                worst=seen.worst,
                starts_worst=running.starts_worst(),
                use=seen.per_second() / rate,
            )
            assert len({one.type for one in seen.steady}) >= 15, "dear ones and cheap ones"
            assert seen.worst <= rate
            assert seen.per_second() >= 0.975 * rate


async def test_limits_of_10_000_users_hold_for_each(tmp_path: Path, row: Callable[..., None]) -> None:
    rate, users, gap_s = 1_000, 10_000, 2.0
    with server() as url:
        async with traffic(url, tmp_path) as running:
            limit = Limit("own", LimitKey.USER, 1 / gap_s)
            own = TaskType("own", HOUR, function="noop", limits=("own",))
            await install(running.store, [own], 0, rate=0, limits=[limit])
            await running.start_workers(4)
            await (
                running.workers_up()
            )  # the store assumes the worst of its time before the first claim: let that pass
            for first in range(0, users, 25):  # three jobs of a user in a row: two of them have to wait
                ids = (n // 3 for n in range(3 * first, 3 * min(first + 25, users)))
                await asyncio.gather(*(enqueue(running.store, "own", f"u-{n:05}") for n in ids))
            await asyncio.sleep(gap_s)
            assert await running.api.arrivals() == [], "a limit of 0 starts nothing"
            await set_rate(running.store, rate)
            seen = await running.watch(rate, SECONDS)
            last: dict[str, int] = defaultdict(int)
            gaps_s = []
            for one in seen.everything:
                if last[one.user]:
                    gaps_s.append((one.at_us - last[one.user]) / 1e6)
                last[one.user] = one.at_us
            use = seen.per_second() / rate
            row(
                "limits of 10,000 users",
                rate,
                worst=seen.worst,
                use=use,
                users=len(last),
                closest_s=min(gaps_s),
            )
            assert seen.worst <= rate
            assert gap_s <= min(gaps_s) <= gap_s + 0.2, "the limits held, and it was they that held jobs up"
            assert use >= 0.975
