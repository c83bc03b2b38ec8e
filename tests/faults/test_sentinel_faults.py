"""Failovers behind Sentinel under load: kill -9, a frozen primary, one that is cut off, and one asked for."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fleet import Fleet, fleet
from redis_server import RedisServer
from sentinels import Sentinels
from verdict import Event, Verdict, judge
from writes import Writes

pytestmark = pytest.mark.faults
#: Starts are to come within this time of a promotion.
START_S = 2.0
#: For so long at most a process may stay on the old primary after it.
STAY_S = 1.0
#: What was claimed is started up to the limiter's horizon later, and takes a little to arrive.
HORIZON_S = 0.3


@asynccontextmanager
async def behind(sentinels: Sentinels, folder: Path) -> AsyncIterator[Fleet]:
    with sentinels:
        async with fleet(sentinels.url, lambda: sentinels.primary.url, folder) as made:
            yield made


def holds(verdict: Verdict, *allowed_twice: tuple[float, float]) -> None:
    """Judge what every failover must hold to."""
    assert (verdict.dead, set(verdict.codes)) == (0, {0}), "every process lives, and ends when it is asked to"
    assert verdict.missing == []
    assert verdict.twice_outside(allowed_twice) == []
    assert verdict.worst <= verdict.rate
    assert (verdict.idle, verdict.audit) == (True, 0)
    assert max(verdict.after_s.values()) <= START_S


async def failed_over(sentinels: Sentinels, old: RedisServer, name: str, from_s: float) -> Event:
    return Event(name, from_s, await asyncio.to_thread(sentinels.promoted, old))


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_a_primary_that_dies_costs_seconds_and_nothing_else(fault: str, tmp_path: Path) -> None:
    sentinels = Sentinels(tmp_path)
    async with behind(sentinels, tmp_path) as under_load:
        old, from_s = sentinels.primary, time.time()
        old.kill() if fault == "kill" else old.freeze()
        event = await failed_over(sentinels, old, fault, from_s)
        await under_load.arrive(5 * under_load.rate, 60)
        old.start() if fault == "kill" else old.thaw()
        await asyncio.to_thread(sentinels.settled)
        await under_load.arrive(under_load.rate, 60)
        holds(await judge(f"sentinel {fault}", under_load, [event]))


@pytest.mark.parametrize("min_replicas", [0, 1])
async def test_a_failover_that_was_asked_for(min_replicas: int, tmp_path: Path) -> None:
    sentinels = Sentinels(tmp_path, min_replicas=min_replicas)
    async with behind(sentinels, tmp_path) as under_load:
        old = sentinels.primary
        with Writes(old) as writes:
            from_s = time.time()
            sentinels.fail_over()
            event = await failed_over(sentinels, old, "failover", from_s)
            await under_load.arrive(5 * under_load.rate, 60)
            await asyncio.to_thread(sentinels.settled)
        stayed_s = writes.last_s - event.good_s
        await under_load.arrive(under_load.rate, 60)
        verdict = await judge(
            f"sentinel failover min-replicas={min_replicas}", under_load, [event], stayed_s=stayed_s
        )
        holds(verdict, (from_s, event.good_s + STAY_S + HORIZON_S))
        assert stayed_s <= STAY_S


@pytest.mark.parametrize("min_replicas", [0, 1])
async def test_a_primary_cut_off_from_the_others_but_not_from_clients(
    min_replicas: int, tmp_path: Path
) -> None:
    sentinels = Sentinels(tmp_path, min_replicas=min_replicas, cuttable=True)
    async with behind(sentinels, tmp_path) as under_load:
        old = sentinels.primary
        with Writes(old) as writes:
            from_s = time.time()
            sentinels.cut(old)
            event = await failed_over(sentinels, old, "cut", from_s)
            await asyncio.sleep(20)
            sentinels.heal(old)
            await asyncio.to_thread(sentinels.settled)
        stayed_s = writes.last_s - event.good_s
        await under_load.arrive(under_load.rate, 60)
        verdict = await judge(
            f"sentinel cut min-replicas={min_replicas}", under_load, [event], stayed_s=stayed_s
        )
        # What the old one acknowledged while it was alone is lost with it.
        holds(verdict, (from_s - HORIZON_S, event.good_s + STAY_S + HORIZON_S))
        assert stayed_s <= STAY_S
