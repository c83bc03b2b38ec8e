"""A store that is restored again and again with leases of jobs that ended since."""

from functools import partial
from pathlib import Path

import pytest

from taskqueue.models.values import HttpCall, Schedule, TaskType
from taskqueue.store.audit import Audit, audit
from taskqueue.store.connection import open_store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types
from tests.support.site.counting_api import counting_api
from tests.support.site.site import site, until
from tests.support.store.server import RedisServer

pytestmark = pytest.mark.faults
JOBS, RESTORES = 10, 4


async def test_leases_of_a_restored_store_are_no_losses(tmp_path: Path) -> None:
    server = RedisServer("restored", tmp_path)
    server.start()
    try:
        async with counting_api() as api, site(server.url, "faults", tmp_path) as world:
            kind = TaskType(
                "slow", Schedule(interval_s=3600), http=HttpCall(f"{api.url}/slow?sleep_ms=700", "POST")
            )
            async with open_store(server.url, "faults") as store:
                await set_rate(store, 100)
                await put_types(store, 0, [TypeRecord(kind, (Generation(1, kind.schedule),))])
                for number in range(JOBS):
                    await enqueue(store, "slow", f"u-{number}", job_id=f"j{number}")
            worker = await world.worker("--lease", "2")

            async def now() -> Audit:
                async with open_store(server.url, "faults") as store:
                    return await audit(store)

            async def held(round_: int) -> bool:
                found = await now()
                assert found.dead_letters == 0, f"{found.dead_letters} jobs that ended well are dead letters"
                return found.leased == JOBS and len(await api.arrivals()) == round_ * JOBS

            async def done() -> bool:
                found = await now()
                return found.leased + found.parked + sum(found.ready.values()) == 0

            for number in range(1, RESTORES + 1):
                await until("all jobs run", partial(held, number))
                server.call("SAVE")
                await until("all jobs have ended", done)
                server.kill()
                server.start()
            await until("all jobs have ended again", done)
            found, arrived = await now(), len(await api.arrivals())
            print(
                f"\nleases restored {RESTORES} times: dead={found.dead_letters} arrivals={arrived} {found.totals}"
            )
            assert (found.dead_letters, found.totals["done"], found.difference) == (0, JOBS, 0)
            assert worker.returncode is None
            assert arrived <= (RESTORES + 1) * JOBS
    finally:
        server.kill()
