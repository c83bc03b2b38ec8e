"""The two clocks of a start: the store's clock in the event loop's time, and the wait for a slot of the limit.

A reply carries the store's time of some instant between send and receive. So receive - store is an upper bound of the
offset between the clocks, and send - store a lower one. The smallest recent upper bound is used: a reply that a busy
loop delayed must not shift starts, or two workers' starts could fall closer together than the limiter spaced them.
Bounds contradict earlier ones after the store's clock was set, or when another server answers.
"""

import asyncio
from collections import deque

import structlog

from taskqueue.plan.limiter import LATE_S

log = structlog.get_logger("taskqueue.worker")

#: Replies that bound the offset.
_SAMPLES = 64
#: Drift between two clocks within so many samples stays below this.
_STEP_S = 0.1
#: A start this little before its slot is on time: timers are no finer.
_EARLY_S = 0.0005
#: uvloop rounds timers to the nearest millisecond; half of one keeps the rounding from being early.
_GRAIN_S = 0.0005


class StoreClock:
    """The store's clock. Loop times are seconds (float), store times microseconds (int).

    steps: jumps of the store's clock.
    """

    def __init__(self) -> None:
        self._upper: deque[float] = deque(maxlen=_SAMPLES)
        self._lower: deque[float] = deque(maxlen=_SAMPLES)
        self._now_us = 0
        self._now_s = 0.0
        self.steps = 0

    def observe(self, sent_s: float, received_s: float, server_us: int) -> None:
        """Narrow the offset by one call and its reply."""
        upper_s, lower_s = received_s - server_us / 1e6, sent_s - server_us / 1e6
        if self._upper:
            back_s = lower_s - min(self._upper)
            forward_s = max(self._lower) - upper_s
            if max(back_s, forward_s) > _STEP_S:
                self._forget(forward_s if forward_s > 0 else -back_s)
        self._upper.append(upper_s)
        self._lower.append(lower_s)
        self._now_us = server_us
        self._now_s = max(sent_s, min(self._upper) + server_us / 1e6)

    def to_loop(self, server_us: int) -> float:
        """Return the loop's time at which the store's clock reads server_us."""
        return self._now_s + (server_us - self._now_us) / 1e6

    def to_store_ms(self, loop_s: float) -> float:
        return self._now_us / 1e3 + (loop_s - self._now_s) * 1e3

    def _forget(self, jump_s: float) -> None:
        self._upper.clear()
        self._lower.clear()
        self.steps += 1
        log.warning("store clock jumped", seconds=round(jump_s, 3))


async def reached(slot_s: float, ahead_s: float = 0.0) -> bool:
    """Wait until `ahead_s` before a slot. Returns False if the slot was missed."""
    now_s = asyncio.get_running_loop().time
    if slot_s - ahead_s - now_s() > _EARLY_S:
        await _sleep_until(slot_s - ahead_s)
    return now_s() - slot_s <= LATE_S


async def _sleep_until(when_s: float) -> None:
    """Return at when_s or up to about a millisecond later."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    handle = loop.call_later(max(0.0, when_s - loop.time()) + _GRAIN_S, wake, woken)
    try:
        await woken
    finally:
        handle.cancel()


def wake(waiter: asyncio.Future[None]) -> None:
    """End the wait of a future, once: it may have ended, or have been cancelled, before."""
    if not waiter.done():
        waiter.set_result(None)
