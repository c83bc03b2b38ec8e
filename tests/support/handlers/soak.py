"""Handlers of every outcome, for the soak: most succeed, a few ask for everything else a handler may ask for."""

import asyncio
import random
import time

from taskqueue.handlers import Discard, Job, RateLimited, RetryLater, handler


@handler()
async def moody(job: Job) -> None:
    """Fail, be refused and ask to wait, each now and then; one in 2,000 is given up."""
    await asyncio.sleep(random.uniform(0, 0.05))
    mood = random.random()
    if mood < 0.02:
        raise RuntimeError("now and then")
    if mood < 0.03:
        raise RetryLater(1, "not yet")
    if mood < 0.032:
        raise RateLimited(1)
    if mood < 0.0325:
        raise Discard("never")


@handler()
async def asking(job: Job) -> None:
    """Call the API a second time."""
    await job.permit()


@handler()
def threaded(job: Job) -> None:
    """Block a thread for a moment."""
    time.sleep(0.02)
