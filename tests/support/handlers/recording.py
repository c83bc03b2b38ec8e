"""Handlers for workers under test: each start is one line, written in one call, so that it survives kill -9."""

import asyncio
import os
import time
import zlib
from pathlib import Path

from taskqueue.handlers import Discard, Job, handler

_FILE = os.open(os.environ["TASKQUEUE_TEST_RECORD"], os.O_APPEND | os.O_CREAT | os.O_WRONLY)
#: Of users whose jobs `record-or-discard` discards, one on each line.
_REVOKED = Path(f"{os.environ['TASKQUEUE_TEST_RECORD']}.revoked")
_SLEEP_S = float(os.environ.get("TASKQUEUE_TEST_SLEEP", "0"))


def _write(job: Job) -> None:
    name = "~" if job.occurrence is None else job.occurrence
    fields = (
        job.type,
        job.user,
        name,
        job.idempotency_key,
        job.attempt,
        os.getpid(),
        job.due_ms,
        f"{time.time():.6f}",
    )
    os.write(_FILE, (" ".join(map(str, fields)) + "\n").encode())


@handler("record")
async def record(job: Job) -> None:
    """Write the start down, then take as long as the test wants."""
    _write(job)
    if _SLEEP_S:
        await asyncio.sleep(_SLEEP_S)


@handler("record-endless")
async def record_without_end(job: Job) -> None:
    """Write the start down, and go on until the job is cancelled."""
    _write(job)
    await asyncio.Event().wait()


@handler("record-thread")
def record_in_a_thread(job: Job) -> None:
    """The same in one of the worker's threads, which nothing can stop."""
    _write(job)
    time.sleep(_SLEEP_S)


@handler("record-to-thread")
async def record_through_a_thread(job: Job) -> None:
    """The same in a thread of the loop's own."""
    _write(job)
    await asyncio.to_thread(time.sleep, _SLEEP_S)


@handler("record-or-exit")
async def record_or_exit(job: Job) -> None:
    """The same; the job of the user `culprit` ends the process."""
    _write(job)
    if job.user == "culprit":
        os._exit(1)
    if _SLEEP_S:
        await asyncio.sleep(_SLEEP_S)


@handler("record-or-fail")
async def record_or_fail(job: Job) -> None:
    """The same; one job in 7 fails once, one in 50 is discarded."""
    await record(job)
    number = zlib.crc32(job.idempotency_key.encode())
    if number % 50 == 0:
        raise Discard("one in 50")
    if number % 7 == 0 and job.attempt == 1:
        raise RuntimeError("one in 7")


@handler("record-or-discard")
def record_or_discard(job: Job) -> None:
    """Write the start down, in a thread; the jobs of users whom the test lists fail for good."""
    _write(job)
    if _REVOKED.exists() and job.user in _REVOKED.read_text().split():
        raise Discard("401 Unauthorized")
