"""A real worker with handlers that attack it: it goes on, its good jobs are done, and it ends when told to."""

import json
import signal
from functools import partial
from itertools import count
from pathlib import Path

from taskqueue.models.values import Retry, Schedule, TaskType
from taskqueue.store.claim import claim
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types
from tests.support.handlers.hostile import WAYS
from tests.support.site.probes import metric, probe
from tests.support.site.site import HANDLERS, Site, site, until

HOSTILE = str(Path(__file__).parents[1] / "support" / "handlers" / "hostile.py")


async def publish(world: Site, *types: TaskType) -> None:
    await set_rate(world.store, 200)
    await put_types(world.store, 0, [TypeRecord(one, (Generation(1, one.schedule),)) for one in types])


def of_type(name: str, function: str, **spec: object) -> TaskType:
    return TaskType(name, Schedule(interval_s=3600), function=function, **spec)  # type: ignore[arg-type]


async def test_a_worker_outlives_its_handlers(redis_url: str, release: str, tmp_path: Path) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await publish(
            world,
            of_type("good", "record"),
            of_type("bad", "hostile", retry=Retry(max_attempts=2, min_backoff_ms=1)),
            of_type("bad-thread", "exit-thread", retry=Retry(max_attempts=1)),
        )
        worker = await world.worker("--handlers", HOSTILE, "--concurrency", "4", handlers=HANDLERS)
        for turn, how in enumerate(WAYS):
            await enqueue(world.store, "bad", f"u-{how}", {"how": how})
            await enqueue(world.store, "bad-thread", "u-good")
            await enqueue(world.store, "good", "u-good")

            async def good_is_done(turn: int = turn) -> bool:
                return len(world.starts()) == turn + 1

            await until(f"the good job beside {how} ran", good_is_done)

        async def settled() -> bool:
            totals = (await world.balanced()).totals
            # `exit` fails twice, `surrogate` is dead at once, and so is each of the thread.
            return totals.get("dead", 0) == 2 + len(WAYS)

        await until("the bad ones are dead", settled)
        await world.says(worker, "signal handlers replaced by user code")
        assert await world.end(worker, signal.SIGTERM) == 0
        log = world.logs[worker.pid].read_text()
        print(log)
        for said in ("event loop interrupted by user code", "cancelled by user code", "delay out of bounds"):
            assert said in log
        assert "Traceback" not in log.replace("Task exception was never retrieved", "")


async def test_a_worker_without_free_threads_is_unready_and_burns_no_attempts(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await publish(
            world,
            of_type("stuck", "stuck-thread", timeout_ms=200, retry=Retry(max_attempts=1)),
            of_type("waits", "record-thread", timeout_ms=200, retry=Retry(max_attempts=1)),
            of_type("good", "record"),
        )
        options = ("--handlers", HOSTILE, "--threads", "1", "--grace", "0.2")
        worker = await world.worker(*options, handlers=HANDLERS)
        await world.says(worker, "process started")
        await enqueue(world.store, "stuck", "u-1", {"seconds": 2.5})

        async def unready() -> bool:
            status, text = await probe(world, worker, "/readyz", "process started")
            return (
                status == 503 and text == "all 1 threads run handlers for longer than their jobs' timeouts\n"
            )

        await until("the worker is unready", unready)
        await enqueue(world.store, "waits", "u-1")
        await world.says(worker, "no free thread")
        await enqueue(world.store, "good", "u-1")
        await until("an async job runs all the same", partial(good_ran, world))
        value = partial(metric, world, worker, started="process started")
        assert await value("taskqueue_jobs_total", type="waits", outcome="no-thread") >= 1
        assert await value("taskqueue_threads_stuck") == 1

        async def waited_ran() -> bool:
            return {start.type: start.attempt for start in world.starts()}.get("waits") == 1

        await until("the job that waited runs as its first attempt once the thread is free", waited_ran)
        assert await probe(world, worker, "/readyz", "process started") == (200, "ok\n")
        assert await world.total("dead") == 1, "the stuck one alone"
        assert await world.end(worker, signal.SIGTERM) == 0


async def test_a_blocked_loop_is_told_and_keeps_its_leases(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    async with site(redis_url, release, tmp_path) as world:
        await publish(
            world,
            of_type("block", "block"),
            of_type("hold", "hold"),
            of_type("good", "record", timeout_ms=60_000),
        )
        worker = await world.worker("--handlers", HOSTILE, "--lease", "1", handlers=HANDLERS, sleep_s=4)
        await enqueue(world.store, "good", "u-1")
        await until("a good job runs beside", partial(good_ran, world))
        await enqueue(world.store, "block", "u-1", {"seconds": 2.5})

        async def goes_on() -> bool:
            await claim(world.store, "other", next(calls), 0, 1_000)  # takes over what lost its lease
            return "event loop goes on" in world.logs[worker.pid].read_text()

        calls = count(1)
        await until("the loop goes on", goes_on)
        status, text = await probe(world, worker, "/readyz", "process started")
        assert status == 503
        assert text.startswith("a handler of type block blocked the event loop for ")
        await until("both jobs are done", world.idle)
        await enqueue(world.store, "hold", "u-1", {"seconds": 1.3})
        await world.says(worker, "interpreter held")
        await until("the last one is done", world.idle)
        found = await world.balanced()
        assert (found.totals["done"], found.totals.get("lost", 0)) == (3, 0)
        assert len(world.starts()) == 1, "the good job ran once"
        for kind in ("block", "hold"):
            assert (
                await metric(
                    world, worker, "taskqueue_loop_blocks_total", started="process started", type=kind
                )
                == 1
            )
        log = [line for line in world.logs[worker.pid].read_text().splitlines() if line.startswith("{")]
        (blocked,) = [
            json.loads(line) for line in log if '"event loop blocked"' in line and '"block"' in line
        ]
        assert blocked["stack"][-1].endswith(" block")
        assert "hostile.py:" in blocked["stack"][-1]
        assert await world.end(worker, signal.SIGTERM) == 0


async def good_ran(world: Site) -> bool:
    return any(start.type == "good" for start in world.starts())
