"""A worker's calls of claim: each carries results, asks for jobs, and is repeated under its number until answered."""

import asyncio
import contextlib
from collections.abc import Callable
from itertools import count

import structlog

from taskqueue.process.backoff import Backoff
from taskqueue.process.cancellation import absorb_cancellation
from taskqueue.process.health import REACHABLE_S
from taskqueue.process.progress import Progress
from taskqueue.store.claim import Alone, Claim, Result, claim
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.wakeup import pass_wakeup_on
from taskqueue_worker.clock import StoreClock
from taskqueue_worker.outbox import Outbox

log = structlog.get_logger("taskqueue.worker")

_RETRY_MIN_S, _RETRY_MAX_S = 0.05, 1.0


class StoreContact:
    """The contact with the store, by the calls of claim. Times in seconds of the loop's clock.

    within_s: a worker with a free slot that ended no call for so long is stuck. It polls at least each 15 s.
    """

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._loop = asyncio.get_running_loop()
        self._progress = Progress("claiming", self._loop.time)
        self._failing_s: float | None = None
        self._error = ""
        #: Whether the store has ever answered a call.
        self.began = False

    def answered(self) -> None:
        """Record that the store answered a call."""
        self._progress.step()
        self._failing_s = None
        self.began = True

    def failed(self, error: str) -> None:
        """Record that a call failed."""
        self._error = error
        self._progress.step()
        self._failing_s = self._failing_s or self._loop.time()

    def stuck(self, free: int) -> str | None:
        """Check that calls end while concurrency slots are free. A full worker need not call."""
        if free <= 0 and self._failing_s is None:
            self._progress.step()
        return self._progress.stuck(self._within_s)

    def unanswered(self) -> str | None:
        """Check that the store answers."""
        silent_s = self._loop.time() - (self._failing_s or self._loop.time())
        if silent_s > REACHABLE_S:
            return f"no claim was answered for {silent_s:.0f} s. {self._error}"
        return None if self.began else "no claim was answered yet"


class Calls:
    """The calls of one worker, in numbered channels.

    has_time: whether the worker knows when to call next, so that the store need not name a time.
    sent: calls so far.   rate: of the global limit, a second.   closed_us: end of its closing by a handler, server
    clock; 0 while open.   draining: a call that fails is not repeated.   ended: a cancellation is the worker's own;
    before, it is user code's and is ignored.
    """

    def __init__(
        self,
        store: Store,
        worker: str,
        lease_ms: int,
        clock: StoreClock,
        outbox: Outbox,
        contact: StoreContact,
        has_time: Callable[[], bool],
    ) -> None:
        self._store = store
        self._worker = worker
        self._lease_ms = lease_ms
        self.clock = clock
        self.outbox = outbox
        self.contact = contact
        self._has_time = has_time
        self._loop = asyncio.get_running_loop()
        self._numbers: dict[str, count[int]] = {}
        self.sent = 0
        self.rate = 0.0
        self.closed_us = 0
        self.draining = False
        self.ended = False

    async def ask(self, channel: int, free: int, alone: Alone) -> Claim | None:
        """Settle the oldest results and take at most `free` jobs; None if the worker drains before an answer comes."""
        results = self.outbox.take()
        try:
            answer = await self._repeat(f"{channel}", free, results, alone=alone)
        except BaseException:
            self.outbox.put_back(results)  # reported twice, they change nothing
            raise
        if answer is None:  # jobs leased by a lost call come back when their leases end
            self.outbox.put_back(results)
        return answer

    async def read_clock(self, channel: int) -> None:
        """Call without results and without asking for jobs, to learn the store's clock."""
        await self._repeat(f"{channel}", 0, [])

    async def settle(self, until_s: float) -> bool:
        """Report all results left. Returns False if the store does not answer by until_s."""
        while self.outbox and self._loop.time() < until_s:
            results = self.outbox.take()
            answer = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until_s):
                    answer = await self._repeat("end", 0, results, until_s)
            if answer is None:
                self.outbox.put_back(results)
        return not self.outbox

    async def pass_wakeup_on(self) -> None:
        """Hand a wake-up to another worker, if the store answers."""
        with contextlib.suppress(StoreFailure):
            await pass_wakeup_on(self._store)

    async def _repeat(
        self,
        channel: str,
        free: int,
        results: list[Result],
        until_s: float | None = None,
        alone: Alone = Alone.NOT_NOW,
    ) -> Claim | None:
        """Send one call until it is answered: the store remembers worker and number, and answers alike.

        Returns None without an answer by until_s; without until_s, if a call fails while the worker drains.
        """
        number = next(self._numbers.setdefault(channel, count(1)))
        worker, backoff = f"{self._worker}.{channel}", Backoff(_RETRY_MIN_S, _RETRY_MAX_S, lowest=0.5)
        while True:
            sent_s = self._loop.time()
            try:
                self.sent += 1
                answer = await claim(
                    self._store,
                    worker,
                    number,
                    free,
                    self._lease_ms,
                    results,
                    has_time=self._has_time(),
                    alone=alone,
                )
            except StoreFailure as error:
                self.contact.failed(str(error))
                if not backoff.failures:
                    log.warning("claim failed, nothing starts", error=str(error))
                if self.draining if until_s is None else self._loop.time() + backoff.next_s >= until_s:
                    return None
                await asyncio.sleep(backoff.fail())
                continue
            except asyncio.CancelledError:
                if self.ended or until_s is not None:
                    raise
                await absorb_cancellation()
                log.warning("claim cancelled by user code, repeated")
                continue
            self.contact.answered()
            self.clock.observe(sent_s, self._loop.time(), answer.now_us)
            self.closed_us = answer.closed_us
            self.rate = answer.rate
            return answer
