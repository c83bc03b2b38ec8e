"""Failovers behind Sentinel under load: kill -9, a frozen primary, one that is cut off, and one asked for."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.site.fleet import RATE, SATURATED, Fleet, fleet
from tests.support.site.verdict import HORIZON_S, SETTLED_S, Event, judge
from tests.support.store.last_writes import Writes
from tests.support.store.sentinels import Sentinels
from tests.support.store.server import RedisServer

pytestmark = pytest.mark.faults
#: For so long at most a process may stay on the old primary after it.
STAY_S = 1.0


@asynccontextmanager
async def behind(sentinels: Sentinels, folder: Path, rate: int = RATE) -> AsyncIterator[Fleet]:
    with sentinels:
        async with fleet(sentinels.url, lambda: sentinels.primary.url, folder, rate=rate) as made:
            yield made


async def failed_over(sentinels: Sentinels, old: RedisServer, name: str, from_s: float) -> Event:
    return Event(name, from_s, await asyncio.to_thread(sentinels.promoted, old))


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_a_dying_primary_costs_only_seconds(fault: str, tmp_path: Path) -> None:
    sentinels = Sentinels(tmp_path)
    async with behind(sentinels, tmp_path) as under_load:
        old, from_s = sentinels.primary, time.time()
        old.kill() if fault == "kill" else old.freeze()
        event = await failed_over(sentinels, old, fault, from_s)
        await under_load.flows(5)
        old.start() if fault == "kill" else old.thaw()
        await asyncio.to_thread(sentinels.settled)
        await under_load.flows(2)
        verdict = await judge(f"sentinel {fault}", under_load, [event])
        verdict.holds()


@pytest.mark.parametrize("min_replicas", [0, 1])
async def test_a_requested_failover_loses_nothing(min_replicas: int, tmp_path: Path) -> None:
    sentinels = Sentinels(tmp_path, min_replicas=min_replicas)
    async with behind(sentinels, tmp_path, SATURATED) as under_load:
        old = sentinels.primary
        with Writes(old) as writes:
            from_s = time.time()
            sentinels.fail_over()
            event = await failed_over(sentinels, old, "failover", from_s)
            await under_load.flows(5)
            await asyncio.to_thread(sentinels.settled)
        stayed_s = writes.last_s - event.good_s
        await under_load.flows(2)
        verdict = await judge(
            f"sentinel failover min-replicas={min_replicas}", under_load, [event], stayed_s=stayed_s
        )
        verdict.holds((from_s - SETTLED_S, event.good_s + STAY_S + HORIZON_S))
        assert stayed_s <= STAY_S


@pytest.mark.parametrize("min_replicas", [0, 1])
async def test_a_primary_is_cut_off_from_servers_only(min_replicas: int, tmp_path: Path) -> None:
    sentinels = Sentinels(tmp_path, min_replicas=min_replicas, cuttable=True)
    async with behind(sentinels, tmp_path, SATURATED) as under_load:
        old = sentinels.primary
        with Writes(old) as writes:
            from_s = time.time()
            sentinels.cut(old)
            event = await failed_over(sentinels, old, "cut", from_s)
            await asyncio.sleep(20)
            sentinels.heal(old)
            await asyncio.to_thread(sentinels.settled)
        stayed_s = writes.last_s - event.good_s
        await under_load.flows(2)
        verdict = await judge(
            f"sentinel cut min-replicas={min_replicas}", under_load, [event], stayed_s=stayed_s
        )
        # What the old one acknowledged while it was alone is lost with it.
        verdict.holds((from_s - SETTLED_S, event.good_s + STAY_S + HORIZON_S))
        assert stayed_s <= STAY_S
