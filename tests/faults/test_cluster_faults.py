"""Redis Cluster under load: the primary of the release's slot dies; the slot moves to another node."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from taskqueue.store.keys import Keys
from tests.support.site.fleet import RELEASE, Fleet, fleet
from tests.support.site.verdict import HORIZON_S, Event, judge
from tests.support.store.redis_cluster import Moved, RedisCluster

pytestmark = pytest.mark.faults
#: So long the slot is between two nodes, at least: clients meet a part of the store on either.
_BETWEEN_S = 0.02


@asynccontextmanager
async def on_cluster(cluster: RedisCluster, folder: Path) -> AsyncIterator[tuple[Fleet, int]]:
    """A fleet, and the slot that its release is in."""
    with cluster:
        slot = cluster.slot(Keys(RELEASE).prefix)
        async with fleet(cluster.url, lambda: cluster.owner(slot).url, folder) as made:
            yield made, slot


@pytest.mark.parametrize("server", ["redis", "valkey"])
async def test_the_primary_of_the_slot_dies(server: str, tmp_path: Path) -> None:
    cluster = RedisCluster(tmp_path, server)
    async with on_cluster(cluster, tmp_path) as (under_load, slot):
        old, from_s = cluster.owner(slot), time.time()
        old.kill()
        good_s = await asyncio.to_thread(cluster.promoted, slot, old)
        await under_load.flows(5)
        old.start()
        await under_load.flows(2)
        verdict = await judge(f"cluster kill, {server}", under_load, [Event("kill", from_s, good_s)])
        verdict.holds()


@pytest.mark.parametrize(
    ("server", "way"), [("redis", "by key"), ("valkey", "by key"), ("valkey", "at once")]
)
async def test_the_slot_moves(server: str, way: str, tmp_path: Path) -> None:
    cluster = RedisCluster(tmp_path, server)
    async with on_cluster(cluster, tmp_path) as (under_load, slot):
        source = cluster.owner(slot)
        target = cluster.other(source)
        moved: Moved
        if way == "by key":
            moved = await asyncio.to_thread(cluster.move_by_key, slot, source, target, _BETWEEN_S)
        else:
            moved = await asyncio.to_thread(cluster.move_at_once, slot, source, target)
        assert moved.refused == "", "scripts created keys on a store of which a part had moved"
        await under_load.flows(5)
        event = Event("moved", moved.from_s, moved.until_s)
        took_s = moved.until_s - moved.from_s
        verdict = await judge(
            f"cluster slot {way}, {server}", under_load, [event], took_s=took_s, keys=moved.keys
        )
        verdict.holds()
        if way == "by key":
            arrivals = await under_load.arrivals()
            begun = [one for one in arrivals if moved.from_s + HORIZON_S < one.at_us / 1e6 < moved.until_s]
            assert begun == [], "jobs started from half a store"
