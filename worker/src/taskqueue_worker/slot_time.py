"""Slots of the limit on the loop's clock: waiting for one, never waking before it by more than a timer's grain."""

import asyncio

from taskqueue.plan.limiter import LATE_S

#: A start this little before its slot is on time: timers are no finer.
_EARLY_S = 0.0005
#: uvloop rounds timers to the nearest millisecond; half of one keeps that from being early.
_GRAIN_S = 0.0005


async def reached(slot_s: float, ahead_s: float = 0.0) -> bool:
    """Waits until `ahead_s` before a slot; False if the slot was missed."""
    now_s = asyncio.get_running_loop().time
    if slot_s - ahead_s - now_s() > _EARLY_S:
        await _sleep_until(slot_s - ahead_s)
    return now_s() - slot_s <= LATE_S


async def _sleep_until(when_s: float) -> None:
    """Returns at when_s or up to about a millisecond later."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    handle = loop.call_later(max(0.0, when_s - loop.time()) + _GRAIN_S, _set, woken)
    try:
        await woken
    finally:
        handle.cancel()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
