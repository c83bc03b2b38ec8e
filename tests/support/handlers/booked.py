"""For a worker under test, beside its handlers: each slot that the store booked for it is one line."""

import os
from typing import Any

from taskqueue.store.claim import Claim, claim
from taskqueue_worker import calls

_FILE = os.open(os.environ["TASKQUEUE_TEST_RECORD"] + ".booked", os.O_APPEND | os.O_CREAT | os.O_WRONLY)


async def _noted(*args: Any, **options: Any) -> Claim:
    answer = await claim(*args, **options)
    if answer.jobs:
        lines = [f"{job.lease} {job.start_us} {answer.now_us}\n" for job in answer.jobs]
        os.write(_FILE, "".join(lines).encode())
    return answer


assert vars(calls)["claim"] is claim
vars(calls)["claim"] = _noted
