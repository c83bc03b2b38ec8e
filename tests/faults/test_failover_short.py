"""Short failovers, for `make test`: properties of any machine however busy. `make faults-store` is the long form."""

import asyncio
import time
from pathlib import Path
from typing import Any

from taskqueue.store.keys import Keys
from tests.support.site.fleet import RELEASE, fleet
from tests.support.site.verdict import Event, judge
from tests.support.store.last_writes import Writes
from tests.support.store.redis_cluster import RedisCluster
from tests.support.store.sentinels import Sentinels
from tests.support.store.server import has_redis

SMALL: dict[str, Any] = {"rate": 100, "types": 20, "schedulers": 2, "workers": 2}
#: Processes that look at nothing but the old primary stay there for 10 s.
_STAY_S = 4.0
_START_S = 8.0


async def test_processes_follow_a_requested_failover(tmp_path: Path) -> None:
    with Sentinels(tmp_path, "redis" if has_redis() else "valkey") as sentinels:
        async with fleet(sentinels.url, lambda: sentinels.primary.url, tmp_path, **SMALL) as under_load:
            old, from_s = sentinels.primary, time.time()
            with Writes(old) as writes:
                sentinels.fail_over()
                good_s = await asyncio.to_thread(sentinels.promoted, old)
                await under_load.flows(3)
                event = Event("failover", from_s, good_s)
                verdict = await judge("short: sentinel failover", under_load, [event])
            assert writes.last_s - good_s <= _STAY_S, "processes work with the old primary"
            verdict.loses_nothing((from_s, good_s + _STAY_S))
            verdict.stands(_START_S)
            assert (verdict.booked <= verdict.rate, verdict.exceeded) == (True, {})


async def test_processes_outlive_the_primary_of_their_slot(tmp_path: Path) -> None:
    with RedisCluster(tmp_path, "valkey") as cluster:
        slot = cluster.slot(Keys(RELEASE).prefix)
        async with fleet(cluster.url, lambda: cluster.owner(slot).url, tmp_path, **SMALL) as under_load:
            old, from_s = cluster.owner(slot), time.time()
            old.kill()
            good_s = await asyncio.to_thread(cluster.promoted, slot, old)
            await under_load.flows(3, limit_s=10)
            verdict = await judge("short: cluster kill", under_load, [Event("kill", from_s, good_s)])
            verdict.loses_nothing()
            verdict.stands(_START_S)
            assert (verdict.booked <= verdict.rate, verdict.exceeded) == (True, {})
