"""Keeps the store in the desired state: publishes, retries, confirms removals, refills a lost store."""

import asyncio
import math
import time
from functools import partial

import structlog

from taskqueue.scheduler import metrics
from taskqueue.scheduler.errors import StoreReplacedError, StoreRevertedError
from taskqueue.scheduler.leadership import Always, Leadership
from taskqueue.scheduler.publish_lag import PublishLag
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.recovery_point import RecoveryPoint
from taskqueue.scheduler.refill import Refill
from taskqueue.scheduler.reports import report_desired, report_published
from taskqueue.scheduler.source import Source
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources.desired import Desired, Protected
from taskqueue.store.connection import Store
from taskqueue.store.errors import DeposedError, ForeignOwnerError, StoreFailure
from taskqueue.store.limits import set_rate

#: Seconds between two steps of types under way: a schedule that takes over, a type that is removed.
MAINTAIN_S = 1.0
#: Seconds between two attempts at a store that another kind of owner keeps.
_REFUSED_S = 10.0
#: Seconds until the next publish: with pending removals, with users that an import owns, and without either.
_PENDING_S, _FOREIGN_S, _RESYNC_S = 10.0, 60.0, 600.0

log = structlog.get_logger()


class Keeper:
    """The loop that publishes; one for a process.

    started: set by the first publish and never cleared.
    published: set after every publish; a test that waits for it clears it.
    refused: the reason why this release may not write to the store, or empty.
    progress: of the loop, for /livez.
    recovery_point: a further task of the process; copies the cursor.
    stored: the desired state of the last publish. of_other_sources: its users that an import owns.
    """

    def __init__(
        self,
        store: Store,
        ticker: Ticker,
        *,
        source: Source | None = None,
        rate: float | None = None,
        leadership: Leadership | None = None,
    ) -> None:
        self.started = asyncio.Event()
        self.published = asyncio.Event()
        self.refused = ""
        self.stored: Desired | None = None
        self.of_other_sources: frozenset[str] = frozenset()
        self._store = store
        self._ticker = ticker
        self._source = source
        self._rate = rate
        self._leadership = leadership or Always()
        self.recovery_point = RecoveryPoint(store, ticker, self._leadership)
        self._refill = Refill(store, ticker, self.recovery_point)
        self._publisher = Publisher(store, source.name) if source else Publisher(store)
        self.progress = self._publisher.progress
        self.progress.idle()
        self._desired: Desired | None = None
        self._changed = asyncio.Event()
        self._new_to_lead = False
        self._resync_at_s = math.inf  # of the monotonic clock
        self._lag = PublishLag()
        # Files that this process has only seen faulty: their former content is unknown, so nothing is removed.
        self._faulty_files: set[str] | None = None

    def ready(self) -> str | None:
        """Return why this process is not ready, or None once the manifests are published, here or by the leader."""
        if self.refused or self.started.is_set():
            return self.refused or None
        if self._leadership.another_leads and self._desired is not None:
            return None
        return "the manifests are not published yet"

    def lag_s(self) -> float:
        """Return the age of the oldest unpublished change, in seconds; 0 where another replica publishes."""
        return 0.0 if self._leadership.another_leads else self._lag.seconds()

    async def watch(self) -> None:
        """Take each desired state of the source, until cancelled; return at once without a source."""
        if self._source is None:
            self._changed.set()
            return
        async for desired in self._source.changes():
            self._take(desired)

    async def keep(self) -> None:
        """Publish after every change, and write the steps of types under way, until cancelled."""
        await self._changed.wait()
        while True:
            try:
                await self._lead()
                await self._turn()
                await self._pause()
            except StoreFailure as error:
                metrics.PUBLISHES.labels("failed").inc()
                log.warning("publish failed, retrying", error=str(error))
                await asyncio.sleep(MAINTAIN_S)
            except DeposedError as error:
                log.warning("deposed, another replica publishes", error=str(error))
                await asyncio.sleep(MAINTAIN_S)
            except ForeignOwnerError as error:
                self.refused = str(error)
                log.critical("publish refused", error=self.refused)
                self.progress.idle()
                await asyncio.sleep(_REFUSED_S)
            except StoreReplacedError as error:
                log.critical("store replaced", error=str(error), cursor_ms=self._ticker.cursor_ms)
                self._begin_again()
                self._begin_refill()
            except StoreRevertedError as error:
                log.critical("store reverted", error=str(error))
                self._begin_again()

    def _begin_again(self) -> None:
        self._publisher.forget()
        self._changed.set()

    def _begin_refill(self) -> None:
        """Let the next publish fill the store; without manifests, their owner must publish again."""
        if self._desired is not None:
            self._refill.begin()

    async def _lead(self) -> None:
        """Wait until this process may publish. A new leader reads and compares everything."""
        self.progress.idle()
        fence = await self._leadership.wait_to_lead()
        self.progress.step()
        if self._publisher.lead(fence):
            self._new_to_lead = True
            self._changed.set()
        if self._new_to_lead:
            if await self._refill.is_needed():
                self._begin_refill()
            self._new_to_lead = False

    async def _pause(self) -> None:
        """Wait for a change, at most MAINTAIN_S."""
        try:
            async with asyncio.timeout(MAINTAIN_S):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _take(self, desired: Desired) -> None:
        faulty = {fault.file for fault in desired.faults} if desired.protected is None else set[str]()
        self._faulty_files = faulty if self._faulty_files is None else self._faulty_files & faulty
        report_desired(desired, self._desired)
        self._desired = desired
        self._lag.change()
        self._changed.set()

    async def _turn(self) -> None:
        if time.monotonic() >= self._resync_at_s:
            await self._publisher.look_again()
        elif not self._changed.is_set():
            await self._publisher.maintain()
            if self._publisher.incomplete:
                self._changed.set()
            return
        self._changed.clear()
        self._lag.begin()
        began_s = time.monotonic()
        try:
            await self._refill.mark()
            if self._rate is not None:
                await set_rate(self._store, self._rate)
            await self._publish()
        except BaseException:
            self._changed.set()  # the publish is still to do
            raise
        self._lag.done()
        metrics.PUBLISH_SECONDS.observe(time.monotonic() - began_s)
        self.refused = ""
        self.published.set()
        self.started.set()

    async def _publish(self) -> None:
        desired = self._desired
        if desired is None:
            await self._publisher.maintain()
            return
        types = desired.types
        publish = partial(
            self._publisher.publish,
            types,
            desired.users,
            limits=desired.limits,
            protected=desired.protected or Protected(),
        )
        done = await publish(prune=not self._faulty_files, as_of_ms=self._refill.as_of_ms(types.values()))
        if done.pending_removals and await self._confirmed(desired):
            done = await publish(confirm_removals=True)
        wait_s = _PENDING_S if done.pending_removals else _FOREIGN_S if done.of_other_sources else _RESYNC_S
        self._resync_at_s = time.monotonic() + wait_s
        self.stored, self.of_other_sources = desired, frozenset(done.of_other_sources)
        report_published(done, self._faulty_files or ())
        await self._refill.end(types.values())

    async def _confirmed(self, desired: Desired) -> bool:
        """Read all manifests again, and tell whether the same users and types are missing."""
        assert self._source is not None
        log.warning("many removals, reading the manifests again")
        self.progress.idle()  # many files, or a slow API server, may take any time: the loop does not hang
        fresh = await self._source.look()
        self.progress.step()
        return (
            fresh is not None
            and fresh.users.keys() <= desired.users.keys()
            and fresh.types.keys() <= desired.types.keys()
            and fresh.limits.keys() <= desired.limits.keys()
        )
