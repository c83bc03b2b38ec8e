"""Handlers that the workers of tests/e2e load from a file: each job calls the API of `api.yaml`, which counts it."""

import os

import aiohttp

from taskqueue.handlers import Job, handler, on_shutdown

_session: aiohttp.ClientSession | None = None


def session() -> aiohttp.ClientSession:
    """Return one for all jobs: a connection that is open is no time that a request is held up."""
    global _session  # noqa: PLW0603
    if _session is None:
        _session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    return _session


@on_shutdown
async def close() -> None:
    if _session is not None:
        await _session.close()


@handler("call")
async def call(job: Job) -> None:
    """Have one request answered after the `sleep_ms` of its params."""
    headers = {
        "X-Taskqueue-Type": job.type,
        "X-Taskqueue-User": job.user,
        "X-Taskqueue-Occurrence": str(job.occurrence or ""),
        "X-Taskqueue-Attempt": str(job.attempt),
    }
    url = f"{os.environ['API_URL']}/?sleep_ms={job.params.get('sleep_ms', 20)}"
    async with session().get(url, headers=headers) as response:
        response.raise_for_status()


@handler("eat")
async def eat(job: Job) -> None:
    """Take memory until the kernel ends the process."""
    await call(job)
    taken = []
    while True:
        taken.append(bytearray(os.urandom(1 << 20)))
