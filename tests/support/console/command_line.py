"""Answers of the command line about a store."""

import asyncio
import os
import sys
from typing import Any

import msgspec


async def answer(url: str, release: str, *words: str) -> Any:
    """Return the output of a command with `-o json`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "taskqueue.cli.main", *words, "-o", "json"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "TASKQUEUE_REDIS_URL": url, "TASKQUEUE_RELEASE": release},
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, words
    return msgspec.json.decode(printed)
