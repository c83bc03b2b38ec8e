"""The limiter, long form: what a counting server sees while workers, limits, costs and the store itself change.

Every case prints its row. Figures are of this machine; the bounds are the promise.
"""

import asyncio
import random
import signal
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from backlog import INTERVAL_S, Server, fill, install, kinds, server
from site_under_test import until
from traffic import Arrival, Traffic, per_second, traffic, worst_second

from taskqueue.models.values import RateLimit, Schedule, Task, TaskType, UserSubscription
from taskqueue.store.adhoc import enqueue
from taskqueue.store.catalog import Generation, TypeRecord, put_types, read_catalog, set_rate
from taskqueue.store.clock import server_now_ms
from taskqueue.store.overrides import override_rate
from taskqueue.store.users import set_users

pytestmark = pytest.mark.conformance
HOUR = Schedule(interval_s=INTERVAL_S)
SECONDS = 20


def row(case: str, arrivals: list[Arrival], rate: float, **more: float) -> None:
    figures = {"worst second": worst_second(arrivals), "use": round(per_second(arrivals) / rate, 4), **more}
    print(
        f"\n{case:44} R={rate:<6g}" + "".join(f"  {name} {value:g}" for name, value in figures.items()),
        end="",
    )


async def steady(running: Traffic, rate: float, seconds: float = SECONDS) -> tuple[list[Arrival], float]:
    """Let it flow for a second, then watch: the arrivals, and calls of scripts a start."""
    await running.flowing(int(rate))
    before = await running.calls_and_starts()
    await asyncio.sleep(seconds)
    calls, starts = (b - a for a, b in zip(before, await running.calls_and_starts(), strict=True))
    return await running.arrivals(), calls / starts


@pytest.mark.parametrize("rate", [100, 1_000])
async def test_a_saturated_queue_uses_all_of_the_limit_and_never_more(rate: int, tmp_path: Path) -> None:
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = kinds(10)
            await install(running.store, types, 5_000, rate)
            await fill(running.store, types, (SECONDS + 10) * rate, 5_000)
            await running.start_workers(4)
            arrivals, calls = await steady(running, rate)
            row("saturated, 4 workers", arrivals, rate, calls_a_start=round(calls, 3))
            assert worst_second(arrivals) <= rate
            assert per_second(arrivals) >= 0.975 * rate
            assert calls <= 0.2


@pytest.mark.parametrize("workers", [1, 4, 20])
async def test_unsaturated_a_job_starts_when_it_is_due_and_costs_about_one_call(
    workers: int, tmp_path: Path
) -> None:
    rate, users, interval_s = 100, 300, 10  # 30 % of R, spread by the plan itself
    with server() as url:
        async with traffic(url, tmp_path) as running:
            kind = TaskType("steady", Schedule(interval_s=interval_s), function="noop")
            once = TaskType("once", HOUR, function="noop")
            await install(running.store, [kind, once], 0, rate)
            tasks = (Task(kind.name),)
            await set_users(
                running.store, "import", [UserSubscription(f"u-{n:03}", tasks) for n in range(users)]
            )
            await running.start_scheduler()
            await running.start_workers(workers)
            await running.flowing(150)

            quiet = 0

            async def caught_up() -> bool:
                nonlocal quiet
                store, now_ms = running.store, await server_now_ms(running.store)
                overdue = await store.client.zcount(store.keys.ready("normal"), "-inf", now_ms - 5)
                quiet = 0 if overdue else quiet + 1
                return quiet >= 20

            await until("the processes have started and nothing is overdue", caught_up)
            running.forget_lateness()
            before = await running.calls_and_starts()
            extra = 0
            for _ in range(SECONDS):
                await enqueue(running.store, "once", "u-000")
                extra += 1
                await asyncio.sleep(random.uniform(0.5, 1.5))
            calls, starts = (b - a for a, b in zip(before, await running.calls_and_starts(), strict=True))
            late, adhoc = running.lateness_ms("scheduled"), running.lateness_ms("adhoc")
            ticks = SECONDS * 4 + extra  # the scheduler's and this test's own calls are not the workers'
            figures = {
                "calls_a_start": round((calls - ticks) / starts, 3),
                "p50_ms": late[len(late) // 2],
                "p99_ms": late[len(late) * 99 // 100],
                "adhoc_p50_ms": adhoc[len(adhoc) // 2],
            }
            row(f"unsaturated, {workers} workers", await running.arrivals(), rate, **figures)
            assert figures["calls_a_start"] <= 1.5
            if workers < 20:  # twenty processes on two processors are a test of calls, not of lateness
                assert figures["p50_ms"] <= 3
                assert figures["p99_ms"] <= 15
                assert figures["adhoc_p50_ms"] <= 20


async def test_a_slow_type_with_the_older_backlog_holds_up_nobody(tmp_path: Path) -> None:
    rate, limit = 100, 10
    with server() as url:
        async with traffic(url, tmp_path) as running:
            slow = TaskType("slow", HOUR, function="noop", rate_limit=RateLimit(per_second=limit))
            others = kinds(4)
            await install(running.store, [slow, *others], 1_000, rate)
            await fill(running.store, [slow], 1_000, 1_000, older=10)
            await fill(running.store, others, 4_000, 1_000)
            await running.start_workers(4)
            arrivals, _ = await steady(running, rate)
            of_slow = [one for one in arrivals if one.type == "slow"]
            row(
                "slow type, older backlog",
                arrivals,
                rate,
                slow_worst=worst_second(of_slow),
                slow=per_second(of_slow),
            )
            assert worst_second(arrivals) <= rate
            assert per_second(arrivals) >= 0.975 * rate
            assert worst_second(of_slow) <= limit
            assert per_second(of_slow) >= 0.95 * limit


async def test_costs_from_1_to_20_share_the_limit(tmp_path: Path) -> None:
    rate = 100
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = [
                TaskType(f"cost-{n}", HOUR, function="noop", cost=n, timeout_ms=60_000) for n in range(1, 21)
            ]
            await install(running.store, types, 100, rate)
            await fill(running.store, types, 2_000, 100)
            await running.start_workers(4)
            arrivals, _ = await steady(running, rate)
            row("costs 1 to 20", arrivals, rate)
            assert worst_second(arrivals) <= rate
            assert per_second(arrivals) >= 0.95 * rate


async def test_limits_of_10_000_users_hold_for_each(tmp_path: Path) -> None:
    rate, users, gap_s = 1_000, 10_000, 2.0
    with server() as url:
        async with traffic(url, tmp_path) as running:
            limit = RateLimit(per_user_per_second=1 / gap_s)
            await install(running.store, [TaskType("own", HOUR, function="noop", rate_limit=limit)], 0, rate)
            for first in range(0, users, 25):  # three jobs of a user in a row: two of them have to wait
                ids = (n // 3 for n in range(3 * first, 3 * min(first + 25, users)))
                await asyncio.gather(*(enqueue(running.store, "own", f"u-{n:05}") for n in ids))
            await running.start_workers(4)
            arrivals, _ = await steady(running, rate)
            last: dict[str, int] = defaultdict(int)
            closest_s = gap_s * 100
            for one in arrivals:
                if last[one.user]:
                    closest_s = min(closest_s, (one.at_us - last[one.user]) / 1e6)
                last[one.user] = one.at_us
            row("limits of 10,000 users", arrivals, rate, closest_s=closest_s)
            assert worst_second(arrivals) <= rate
            assert closest_s >= gap_s
            assert per_second(arrivals) >= 0.9 * rate


async def test_a_changed_limit_holds_at_once(tmp_path: Path) -> None:
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = kinds(5)
            await install(running.store, types, 2_000, 100)
            await fill(running.store, types, 10_000, 2_000)
            await running.start_workers(4)
            await running.flowing(100)
            for rate in (40, 400, 100):
                await override_rate(running.store, rate)
                await asyncio.sleep(0.6)  # starts that were given go out: 250 ms, and what a process may lag
                before = len(await running.arrivals())
                await asyncio.sleep(6)
                arrivals = (await running.arrivals())[before:]
                row("changed while running", arrivals, rate)
                assert worst_second(arrivals) <= rate
                assert per_second(arrivals) >= 0.95 * rate


async def test_killed_workers_never_let_more_through(tmp_path: Path) -> None:
    rate = 100
    with server() as url:
        async with traffic(url, tmp_path) as running:
            types = kinds(5)
            await install(running.store, types, 2_000, rate)
            await fill(running.store, types, 6_000, 2_000)
            await running.start_workers(4, "--lease", "1")
            await running.flowing(rate)
            for _ in range(5):
                await asyncio.sleep(2)
                running.workers.pop(0).send_signal(signal.SIGKILL)
                await running.start_workers(1, "--lease", "1")
            await asyncio.sleep(3)
            arrivals = await running.arrivals()
            row("a worker killed every 2 s", arrivals, rate)
            assert worst_second(arrivals) <= rate


@pytest.mark.parametrize("kept", [True, False])
async def test_a_restarted_store_never_lets_more_through(kept: bool, tmp_path: Path) -> None:
    rate = 100
    options = {"appendonly": "yes", "appendfsync": "always"} if kept else {}
    with Server(**options) as valkey:
        async with traffic(valkey.url, tmp_path) as running:
            types = kinds(5)

            async def again() -> None:
                await set_rate(running.store, rate)
                records = [TypeRecord(spec, (Generation(1, spec.schedule),)) for spec in types]
                await put_types(running.store, (await read_catalog(running.store)).version, records)
                for n in range(0, 3_000, 50):
                    jobs = (enqueue(running.store, types[n % 5].name, f"u-{n + k}") for k in range(50))
                    await asyncio.gather(*jobs)

            await again()
            await running.start_workers(4, "--lease", "2")
            await running.flowing(rate)
            valkey.kill()
            await asyncio.sleep(2)
            await asyncio.to_thread(valkey.start)
            await running.store.client.connection_pool.disconnect()
            if not kept:
                await again()
            await asyncio.sleep(8)
            arrivals = await running.arrivals()
            silent_s = max(b.at_us - a.at_us for a, b in pairwise(arrivals)) / 1e6
            row(f"store restarted, {'kept' if kept else 'empty'}", arrivals, rate, silent_s=silent_s)
            assert worst_second(arrivals) <= rate
            assert silent_s >= 1.7, "starts while the store was down"
            assert arrivals[-1].at_us - arrivals[0].at_us > 8e6, "it goes on afterwards"
