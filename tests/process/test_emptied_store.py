"""FLUSHALL under running processes, on a server that may evict keys, too."""

import time
from pathlib import Path

from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.limits import set_rate
from taskqueue.store.types import read_catalog
from tests.support.site.probes import metric, probe
from tests.support.site.site import Site, site, until
from tests.support.store.backlog import Server
from tests.support.store.raw import raw

USERS = 20
RATE = 500
EVERY: dict[str, object] = {"schedule": {"interval": "1s"}, "catchUp": "All"}


async def waited_for(world: Site, seconds: float) -> None:
    began_s = time.monotonic()

    async def passed() -> bool:
        return time.monotonic() > began_s + seconds and len(world.starts()) >= USERS

    await until("jobs have run, and others have waited", passed)


async def from_s(store: Store) -> int:
    async def published() -> bool:
        record = (await read_catalog(store)).records.get("every")
        return record is not None and bool(record.active)

    await until("the type is published", published)
    return (await read_catalog(store)).records["every"].active[0].from_s


async def test_no_due_of_catch_up_all_is_missing_after_flushall(release: str, tmp_path: Path) -> None:
    with Server(**{"maxmemory-policy": "allkeys-lru"}) as valkey:
        async with site(valkey.url, release, tmp_path) as world:
            await set_rate(world.store, RATE)
            slow: dict[str, object] = {"key": "User", "rate": {"requests": 1, "per": "5s"}}
            limited = EVERY | {"limits": [{"name": "slow"}]}
            world.publish({"every": limited}, USERS, {"slow": slow})
            scheduler, worker = await world.scheduler(), await world.worker()
            first_s = await from_s(world.store) + 2
            await waited_for(world, 4)
            for process, started in ((scheduler, "process started"), (worker, "process started")):
                status, text = await probe(world, process, "/readyz", started)
                assert (status, text.splitlines()[0]) == (200, "ok")
                assert "note: maxmemory-policy must be noeviction (was allkeys-lru)" in text

            last_s = await read_cursor(world.store) // 1000
            await raw(world.store).flushall()
            await set_rate(world.store, RATE)
            world.publish({"every": EVERY}, USERS)
            await world.says(scheduler, "type set back")
            due = {(f"u-{n:04}", str(at_s)) for n in range(USERS) for at_s in range(first_s, last_s - 1)}

            async def done() -> bool:
                return due <= {(start.user, start.occurrence) for start in world.starts()}

            await until("every due before the loss has run", done)
            again = await metric(world, scheduler, "taskqueue_emitted_again_total")
            assert len(due) / 2 < again < USERS * (last_s - first_s + 4)
            assert worker.returncode is None
