"""Redis killed and restarted with all acknowledged writes: no start meanwhile, no hole, no double."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from taskqueue.store.cursor import read_cursor
from taskqueue.store.limits import set_rate
from tests.support.site.planned import Planned
from tests.support.site.probes import probe
from tests.support.site.site import Site, site, until
from tests.support.store.backlog import Server
from tests.support.store.connections import renew_connections
from tests.support.store.raw import raw

USERS = 100


@asynccontextmanager
async def under_test(release: str, folder: Path) -> AsyncIterator[tuple[Server, Site]]:
    """A store that forgets nothing it acknowledged, and a site on it."""
    with Server(appendonly="yes", appendfsync="always") as valkey:
        async with site(valkey.url, release, folder) as world:
            yield valkey, world


async def restart(valkey: Server, world: Site) -> None:
    await asyncio.to_thread(valkey.start)
    await renew_connections(world.store)


async def dealt(world: Site, planned: Planned) -> None:
    async def check() -> bool:
        await planned.look(world.store)
        return sum(map(len, planned.places.values())) == USERS

    await until("all subscriptions are dealt", check)


async def test_a_store_killed_and_restarted_leaves_no_hole_and_no_double(
    release: str, tmp_path: Path
) -> None:
    async with under_test(release, tmp_path) as (valkey, world):
        await set_rate(world.store, 500)
        world.publish({"sync": {"schedule": {"interval": "2s"}, "catchUp": "All"}}, USERS)
        schedulers = [await world.scheduler() for _ in range(2)]
        worker = await world.worker()
        planned = Planned()
        await dealt(world, planned)
        await until("jobs run", lambda: _more_than(world.starts, 50))
        after_ms = await read_cursor(world.store)

        valkey.kill()
        down_s = time.time()
        await until("it was down for a while", lambda: _passed(down_s + 3))
        up_s = time.time()
        await restart(valkey, world)
        seen = len(world.starts())
        await until("jobs run again", lambda: _more_than(world.starts, seen + 300))

        for process in schedulers:
            assert await world.end(process, signal.SIGTERM) == 0
        until_ms = await read_cursor(world.store)
        await until("the queue is empty", world.idle)
        assert await world.end(worker, signal.SIGTERM) == 0
        await world.balanced()
        starts = world.starts()
        # What was claimed before the kill may still begin, in slots up to the limiter's horizon of 250 ms.
        slots = {one.key: one.start_us for one in world.bookings() if one.now_us / 1e6 <= down_s}
        while_down = [slots.get(s.key) for s in starts if down_s < s.at_s < up_s]
        assert all(slot is not None and slot / 1e6 <= down_s + 0.25 for slot in while_down)
        got = Counter((s.type, s.user, int(s.occurrence)) for s in starts if after_ms < s.due_ms <= until_ms)
        assert got.keys() == planned.between(after_ms, until_ms).keys()
        assert set(got.values()) == {1}


async def test_a_worker_ends_in_its_grace_period_while_the_store_is_down(
    release: str, tmp_path: Path
) -> None:
    with Server() as valkey:
        valkey.kill()
        async with site(valkey.url, release, tmp_path) as world:
            worker = await world.worker("--grace", "1")
            await world.says(worker, "claim failed")
            assert await world.end(worker, signal.SIGTERM, limit_s=30) == 0


async def test_stopped_workers_rerun_only_their_leased_jobs(release: str, tmp_path: Path) -> None:
    async with under_test(release, tmp_path) as (valkey, world):
        await set_rate(world.store, 300)
        world.publish({"sync": {"schedule": {"interval": "2s"}, "catchUp": "All"}}, USERS)
        schedulers = [await world.scheduler() for _ in range(2)]
        options = ("--grace", "2", "--lease", "1", "--concurrency", "40")
        workers = [await world.worker(*options, sleep_s=0.5) for _ in range(2)]
        planned = Planned()
        await dealt(world, planned)
        await until("jobs run", lambda: _more_than(world.starts, 40))
        after_ms = await read_cursor(world.store)
        await until("dues pass", lambda: _more_than(world.starts, 140))
        valkey.kill()
        for process in (*workers, *schedulers):
            await world.says(process, "claim failed" if process in workers else "does not answer")
        ends = (world.end(process, signal.SIGTERM, limit_s=30) for process in (*workers, *schedulers))
        assert await asyncio.gather(*ends) == [0, 0, 0, 0]
        before = Counter(start.key for start in world.starts())
        assert set(before.values()) == {1}

        await restart(valkey, world)
        held = await raw(world.store).zrange(world.store.keys("leases"), 0, -1)
        unreported = {"/".join(member.decode().split("|")[:3]) for member in held}
        assert unreported, "no worker held a job: the test shows nothing"
        again = [await world.scheduler(), await world.worker("--lease", "1")]
        await until("jobs run again", lambda: _more_than(world.starts, before.total() + 100))
        assert await world.end(again[0], signal.SIGTERM) == 0
        until_ms = await read_cursor(world.store)
        await until("the queue is empty", world.idle)
        assert await world.end(again[1], signal.SIGTERM) == 0
        await world.balanced()
        starts = world.starts()
        got = {(s.type, s.user, int(s.occurrence)) for s in starts if after_ms < s.due_ms <= until_ms}
        assert got == planned.between(after_ms, until_ms).keys()
        twice = {key for key, n in Counter(start.key for start in starts).items() if n > 1}
        assert twice <= unreported


async def _more_than(starts: object, most: int) -> bool:
    assert callable(starts)
    return len(starts()) > most


async def _passed(at_s: float) -> bool:
    return time.time() >= at_s


async def test_a_worker_outlives_a_long_store_outage(release: str, tmp_path: Path) -> None:
    async with under_test(release, tmp_path) as (valkey, world):
        await set_rate(world.store, 500)
        within_s = 16
        worker = await world.worker("--live-within", str(within_s))

        async def is_ready(status: int) -> bool:
            return (await probe(world, worker, "/readyz", "process started"))[0] == status

        await until("it is ready", lambda: is_ready(200))
        valkey.kill()
        down_s = time.time()
        await until("it says that it is not", lambda: is_ready(503))
        await until("it was down for long", lambda: _passed(down_s + within_s + 2))
        assert await probe(world, worker, "/livez", "process started") == (200, "ok\n")
        assert "no claim was answered for" in (await probe(world, worker, "/readyz", "process started"))[1]
        await restart(valkey, world)
        await until("it is ready again", lambda: is_ready(200))
