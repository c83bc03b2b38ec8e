"""Handlers for the limiter tests: one request at the start, one more behind each further permit of the job's cost."""

import os
import time

import aiohttp

from taskqueue.handlers import Job, handler

_API = os.environ["TASKQUEUE_EXAMPLE_API_URL"]
_LATENESS = os.open(os.environ["TASKQUEUE_TEST_RECORD"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
_sessions: list[aiohttp.ClientSession] = []


async def _request(job: Job) -> None:
    if not _sessions:
        _sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    headers = {"X-Taskqueue-Type": job.type, "X-Taskqueue-User": job.user}
    if "limits" in job.params:
        headers["X-Taskqueue-Limits"] = job.params["limits"]
    async with _sessions[0].get(f"{_API}/call", headers=headers) as answer:
        await answer.read()


@handler("noop")
async def call(job: Job) -> None:
    """Write down how late the first line is (ms) and when (us), then call the API once for each unit of cost."""
    now_us = time.time_ns() // 1000
    kind = "adhoc" if job.occurrence is None else "scheduled"
    os.write(_LATENESS, f"{kind} {now_us / 1000 - job.due_ms:.3f} {now_us}\n".encode())
    await _request(job)
    for _ in range(int(job.type.rpartition("cost-")[2] or 1) - 1 if "cost-" in job.type else 0):
        await job.permit()
        await _request(job)
