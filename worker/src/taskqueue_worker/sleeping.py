"""Waiting for an instant of the loop's clock, never waking before it by more than a timer's grain."""

import asyncio

#: uvloop rounds timers to the nearest millisecond; half of one keeps that from being early.
_GRAIN_S = 0.0005


async def sleep_until(when_s: float) -> None:
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
