"""Suspects: jobs that may have taken a worker down, and that therefore run as the only job of a worker.

The store asks one worker at a time to become empty. The worker then claims nothing, finishes its jobs, and claims the
suspect. Its concurrency slots idle meanwhile. While other work waits, that may cost a tenth of the worker's time: it
works for nine times as long before it offers itself again. A worker that idles anyway always offers itself.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

import structlog

from taskqueue.store.claim import Alone, Claim

log = structlog.get_logger("taskqueue.worker")

#: A worker with a backlog works this many times as long for other jobs as it stood aside for a suspect.
_DUTY = 9
#: A worker that takes no other job still calls this often, with its results, so that the store and probes hear from it.
_CALL_S = 5.0


class _Phase(Enum):
    WORKING = auto()
    EMPTYING = auto()
    ALONE = auto()


class Calling(Protocol):
    """The part of the pace that suspects concern."""

    hungry: bool

    def call(self) -> None: ...
    def call_when_free(self) -> None: ...


class Suspects:
    """The worker's part in running suspects.

    empty: whether the worker holds no job.   now_s: the loop's clock.
    """

    def __init__(self, pace: Calling, empty: Callable[[], bool], now_s: Callable[[], float]) -> None:
        self._pace = pace
        self._empty = empty
        self._now_s = now_s
        self._phase = _Phase.WORKING
        self._since_s = 0.0
        self._called_s = 0.0
        self._not_before_s = 0.0
        self._idled = False

    @property
    def stands_aside(self) -> bool:
        """Whether the worker takes no other jobs."""
        return self._phase is not _Phase.WORKING

    def room(self, free: int, asked: int) -> int:
        """Return for how many jobs a call may ask; asked: by calls in flight."""
        if self._phase is _Phase.ALONE and self._empty():
            self._end()
        if self._phase is _Phase.WORKING:
            return free
        return free if self._phase is _Phase.EMPTYING and self._empty() and not asked else 0

    def next_s(self) -> float:
        """Return when a call is due even without an event, in the loop's time."""
        return self._called_s + _CALL_S if self.stands_aside else float("inf")

    def offer(self, free: int) -> Alone:
        """Return the offer of a call that asks for `free` jobs."""
        self._called_s = self._now_s()
        if not free or self._phase is _Phase.ALONE:
            return Alone.NOT_NOW
        if self._phase is _Phase.EMPTYING:
            return Alone.NOW
        idle = self._empty() and not self._pace.hungry
        return Alone.WOULD if idle or self._now_s() >= self._not_before_s else Alone.NOT_NOW

    def answered(self, offer: Alone, answer: Claim, asked: int) -> None:
        """Follow the store's answer to an offer; asked: for how many jobs other calls in flight ask."""
        if offer is Alone.NOW and answer.alone is Alone.NOW:
            self._phase = _Phase.ALONE
            log.info("suspect runs alone", job=answer.jobs[0].lease if answer.jobs else None)
        elif offer is Alone.NOW and answer.alone is Alone.NOT_NOW:
            self._end()
        elif answer.alone is Alone.WOULD and self._phase is _Phase.WORKING:
            self._phase, self._since_s = _Phase.EMPTYING, self._now_s()
            self._idled = not self._pace.hungry
        if self._phase is _Phase.EMPTYING and offer is not Alone.NOW and self._empty() and not asked:
            self._pace.call()

    def freed(self) -> None:
        """Record that a job ended."""
        if self.stands_aside and self._empty():
            self._pace.call()

    def _end(self) -> None:
        now_s = self._now_s()
        stood_aside_s = 0.0 if self._idled else now_s - self._since_s
        self._phase, self._not_before_s = _Phase.WORKING, now_s + _DUTY * stood_aside_s
        self._pace.call_when_free()
