"""A worker with its health port filled by connections still runs jobs and answers probes."""

import asyncio
import contextlib
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from taskqueue.bounded_http.port import MAX_CONNECTIONS
from taskqueue.process.open_files import MAX_OPEN_FILES, raise_limit
from taskqueue.store.limits import set_rate
from tests.support.site.counting_api import counting_api
from tests.support.site.probes import probe
from tests.support.site.site import Site, site

CALLERS = 1_500
#: As many files as a process may open here: fewer than there are callers, more than a worker needs beside its port.
FILES = 256
STARTED = "process started"
PROBES_S = 5.0


@contextlib.contextmanager
def soft_limit(files: int) -> Iterator[int]:
    """Set how many files processes that are started meanwhile may open, unless they ask for more; give the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_raises_its_limit_of_files(tmp_path: Path) -> None:
    code = "import resource as r, sys\ndef main(): sys.exit(str(r.getrlimit(r.RLIMIT_NOFILE)[0]))\n"
    (tmp_path / "limit.py").write_text(code)
    enter = [sys.executable, "-c", "from taskqueue_entry import enter; enter('limit')"]
    with soft_limit(FILES) as hard:
        shown = subprocess.run(enter, cwd=tmp_path, check=False, capture_output=True, text=True).stderr
    assert int(shown) == (MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES))


async def test_a_worker_runs_jobs_while_its_port_is_filled(
    redis_url: str, release: str, tmp_path: Path
) -> None:
    raise_limit()  # of this process, which makes the callers
    async with site(redis_url, release, tmp_path) as world, counting_api() as api:
        await set_rate(world.store, 200)
        call = {"schedule": {"interval": "1s"}, "handler": {"http": {"url": api.url}}}
        world.publish({"call": call}, 20)
        worker = await world.worker("--concurrency", "20")
        await world.says(worker, STARTED)
        resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        (port,) = [
            json.loads(line)["health_port"]
            for line in world.logs[worker.pid].read_text().splitlines()
            if STARTED in line
        ]
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CALLERS)]
        try:
            await world.scheduler()
            await api.flowing(40)
            await _answers(world, worker)
            assert _open_files(worker.pid) < MAX_CONNECTIONS + 100
        finally:
            for _, writer in idle:
                writer.transport.abort()
        assert {one.attempt for one in await api.arrivals()} == {1}
        assert "too many open files" not in world.logs[worker.pid].read_text().lower()


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def _answers(world: Site, worker: asyncio.subprocess.Process) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        async with asyncio.timeout(PROBES_S):
            assert (await probe(world, worker, path, STARTED))[0] == 200
