"""The history of real workers beside the audit: equal, but for counts that killed workers had not flushed.

The sums of done, retried and dead are those of `taskqueue audit`; the starts are those of the handlers' own record.
`make soak-core` runs ten minutes of it [TASKQUEUE_SOAK seconds].
"""

import asyncio
import os
import signal
import time
from collections import Counter
from pathlib import Path

from taskqueue.models.outcome import Outcome
from taskqueue.store.clock import server_now_ms
from taskqueue.store.history import read_hours, to_counts
from taskqueue.store.limits import set_rate
from tests.support.process.seeded_random import chance
from tests.support.site.site import Site, site, until
from tests.support.store.lossy_proxy import flaky
from tests.support.store.raw import raw

SECONDS = float(os.environ.get("TASKQUEUE_SOAK", "10"))
KILL_EVERY_S = 4.0
SLEEP_S = 0.02
TYPES = {
    f"fetch-{number}": {
        "schedule": {"interval": "10s"},
        "handler": {"function": "record-or-fail"},
        "retry": {"maxAttempts": 9, "minBackoff": "100ms", "maxBackoff": "200ms"},
        "catchUp": "All",
    }
    for number in range(5)
}
USERS = 200
#: The outcomes that workers alone decide, under the names of the audit's totals.
SAME = (Outcome.DONE, Outcome.RETRIED, Outcome.DEAD)
CONCURRENCY = 30
OPTIONS = ("--lease", "4", "--concurrency", str(CONCURRENCY), "--grace", "5")
#: Notes each flush.
FLUSHED = str(Path(__file__).parents[1] / "support" / "handlers" / "flushed.py")


async def sums(world: Site) -> tuple[int, Counter[Outcome]]:
    """Return the starts and the outcomes of all types."""
    hour = await server_now_ms(world.store) // 3_600_000
    pairs = [(name, one) for name in TYPES for one in (hour - 1, hour)]
    starts, outcomes = 0, Counter[Outcome]()
    for minutes in await read_hours(world.store, pairs):
        for counters in minutes.values():
            counts = to_counts(counters)
            starts += sum(counts.starts)
            outcomes.update(dict(zip(Outcome, counts.outcomes, strict=True)))
    return starts, outcomes


def flushed(world: Site) -> dict[int, float]:
    """Return when each worker sent the last flush that was answered (epoch s), by its process."""
    rows = (line.split() for line in Path(f"{world.record}.flushed").read_text().splitlines())
    return {int(pid): float(at_s) for pid, at_s in rows}


async def stop(world: Site, scheduler: asyncio.subprocess.Process) -> None:
    """End the scheduler, let all jobs end, and then the workers."""
    assert await world.end(scheduler, signal.SIGTERM) == 0
    await until("every job has ended", world.idle)
    for worker in world.processes:
        if worker.returncode is None:
            assert await world.end(worker, signal.SIGTERM) == 0


async def test_sums_differ_from_the_audit_by_counts_that_killed_workers_had_not_flushed(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await set_rate(world.store, 300)
        world.publish(TYPES, USERS)
        scheduler = await world.scheduler("--rate", "300")
        options = (*OPTIONS, "--handlers", FLUSHED)
        workers = [await world.worker(*options, sleep_s=SLEEP_S) for _ in range(3)]
        dice, end_s, killed = chance(5), time.monotonic() + SECONDS, set[int]()
        while time.monotonic() < end_s or len(killed) < 2:
            await asyncio.sleep(KILL_EVERY_S * (0.5 + dice.random()))
            busy = {one.pid for one in world.starts()}.intersection(one.pid for one in workers)
            assert [one.returncode for one in workers] == [None] * 3
            if not busy:  # a worker takes seconds to begin on a busy machine
                continue
            victim = dice.choice([one for one in workers if one.pid in busy])
            killed.add(victim.pid)
            await world.end(victim, signal.SIGKILL)
            workers.remove(victim)
            workers.append(await world.worker(*options, sleep_s=SLEEP_S))
        await stop(world, scheduler)
        totals, record = (await world.balanced()).totals, world.starts()
        starts, outcomes = await sums(world)
        sent_s = flushed(world)
        late = [one for one in record if one.pid in killed and one.at_s > sent_s.get(one.pid, 0.0)]
        differences = {one: totals.get(one, 0) - outcomes[one] for one in SAME}
        print(f"{len(killed)} kills, {len(late)} starts since their last flush, ", end="")
        print(f"{len(record)} starts, {len(record) - starts} not counted; audit - history: {differences}")
        assert min(totals[one] for one in SAME) > 0
        assert 0 <= len(record) - starts <= len(late)
        running = len(killed) * CONCURRENCY  # jobs that had begun at the last flush
        assert sum(map(abs, differences.values())) <= len(late) + running


async def test_sums_equal_the_audit_where_workers_end_in_order_and_answers_are_lost(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with (
        site(redis_url, release, tmp_path) as world,
        flaky(redis_url, seed=8, cut=0.01, drop=0.04) as (url, proxy),
    ):
        await set_rate(world.store, 300)
        world.publish(TYPES, USERS)
        scheduler = await world.scheduler("--rate", "300")
        for _ in range(3):
            worker = await world.worker("--lease", "20", "--grace", "5", url=url, sleep_s=SLEEP_S)
            await world.says(worker, "started")
            await asyncio.sleep(SECONDS / 4)
            assert await world.end(worker, signal.SIGTERM) == 0
        await world.worker("--lease", "20", "--grace", "5", url=url, sleep_s=SLEEP_S)
        await stop(world, scheduler)
        totals = (await world.balanced()).totals
        starts, outcomes = await sums(world)
        assert {one: outcomes[one] for one in SAME} == {one: totals[one] for one in SAME}
        assert starts == len(world.starts())
        assert proxy.counts["drop"] > 0, proxy.counts


async def test_no_key_is_written_where_the_history_is_off(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await set_rate(world.store, 300)
        world.publish(TYPES, USERS)
        scheduler = await world.scheduler("--rate", "300")
        await world.worker("--history", "false", *OPTIONS)
        await until("some jobs are done", lambda: reached(world, 100))
        await stop(world, scheduler)
        keys = [key.decode() async for key in raw(world.store).scan_iter(match=world.store.keys("*"))]
        assert [key for key in keys if "history" in key or "flushed" in key] == []


async def reached(world: Site, done: int) -> bool:
    return await world.total("done") >= done
