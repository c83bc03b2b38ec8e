"""Handlers that the workers of tests/e2e load from a file: each job calls the API of `api.yaml`, which counts it.

A request names the slot that the store booked for its job, so that the limit can be judged on a machine however busy.
"""

import os
from typing import Any

import aiohttp

from taskqueue.handlers import Job, handler, on_shutdown
from taskqueue.store.claim import Claim, claim
from taskqueue.store.job_name import parse
from taskqueue_worker import calls

_session: aiohttp.ClientSession | None = None
_slots_us: dict[tuple[str, str, int | None, str], int] = {}


async def _noted(*args: Any, **options: Any) -> Claim:
    answer = await claim(*args, **options)
    for leased in answer.jobs:
        name = parse(leased.lease)
        _slots_us[name.type, name.user, name.occurrence, name.id] = leased.start_us
    return answer


assert vars(calls)["claim"] is claim
vars(calls)["claim"] = _noted


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
    slot_us = _slots_us[job.type, job.user, job.occurrence, job.ad_hoc_id or ""]
    url = f"{os.environ['API_URL']}/{slot_us}?sleep_ms={job.params.get('sleep_ms', 20)}"
    async with session().get(url, headers=headers) as response:
        response.raise_for_status()


@handler("eat")
async def eat(job: Job) -> None:
    """Take memory until the kernel ends the process."""
    await call(job)
    taken = []
    while True:
        taken.append(bytearray(os.urandom(1 << 20)))
