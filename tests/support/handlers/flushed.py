"""For a worker under test, beside its handlers: each flush of its history that was answered is one line."""

import os
import time
from typing import Any

from taskqueue.store.history import count
from taskqueue_worker import history

_FILE = os.open(os.environ["TASKQUEUE_TEST_RECORD"] + ".flushed", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
#: When each flush was sent first, with all that was counted until then (epoch s).
_sent_s: dict[int, float] = {}


async def _noted(store: Any, worker: str, number: int, *args: Any) -> bool:
    at_s = _sent_s.setdefault(number, time.time())
    counted = await count(store, worker, number, *args)
    os.write(_FILE, f"{os.getpid()} {at_s:.6f}\n".encode())
    return counted


assert vars(history)["count_once"] is count
vars(history)["count_once"] = _noted
