"""Keeps the store as the manifests say: publishes, tries again, confirms removals, refills a lost store."""

import asyncio
import math
import time
from functools import partial

import structlog

from taskqueue.scheduler import metrics
from taskqueue.scheduler.errors import StoreReplacedError, StoreRevertedError
from taskqueue.scheduler.floors import CursorCopy, replay
from taskqueue.scheduler.lookout import Lookout
from taskqueue.scheduler.publisher import Publisher
from taskqueue.scheduler.reports import Lag, report_published, report_taken
from taskqueue.scheduler.source import Always, Leadership, Source
from taskqueue.scheduler.ticker import Ticker
from taskqueue.sources.desired import Desired, Protected
from taskqueue.store.connection import Store
from taskqueue.store.cursor import mark_installed
from taskqueue.store.errors import DeposedError, ForeignOwnerError, StoreFailure
from taskqueue.store.limits import set_rate
from taskqueue.store.types import read_catalog

#: What is under way (a schedule that takes over, a type that goes) is carried on this often.
MAINTAIN_S = 1.0
#: A store that somebody else keeps is looked at again this often.
_REFUSED_S = 10.0
#: What is held is asked about again this often; whether an import still owns users; what became of all users.
_HELD_S, _FOREIGN_S, _LOOK_AGAIN_S = 10.0, 60.0, 600.0

log = structlog.get_logger()


class Keeper:
    """One for a process.

    started: set by the first publish and never cleared.
    published: set after every publish; whoever waits for it clears it.
    refused: why the store may not be written to by this release, or empty.
    progress: of the loop that publishes, for /livez.
    lookout: to be run beside it; knows how far back a lost store must go.
    in_store: what was published last, as a whole. foreign: users of it that an import owns.
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
        self.in_store: Desired | None = None
        self.foreign: frozenset[str] = frozenset()
        self._store = store
        self._ticker = ticker
        self._source = source
        self._rate = rate
        self._leadership = leadership or Always()
        self.lookout = Lookout(store, ticker, self._leadership)
        self._publisher = Publisher(store, source.name) if source else Publisher(store)
        self.progress = self._publisher.progress
        self.progress.idle()
        self._desired: Desired | None = None
        self._changed = asyncio.Event()
        # While a store that lost everything is filled again, and what is known of it, if anything is.
        self._restoring = False
        self._lost: CursorCopy | None = None
        self._new_to_lead = False
        self._ask_again_s = math.inf  # of the monotonic clock
        self._lag = Lag()
        # Files that were never seen good by this process: what they declared before it started is not known.
        self._unknown: set[str] | None = None

    def ready(self) -> str | None:
        """Why this process is not ready, or None: all was published, or is by another that leads."""
        if self.refused or self.started.is_set():
            return self.refused or None
        if self._leadership.elsewhere and self._desired is not None:
            return None
        return "the manifests are not published yet"

    def lag_s(self) -> float:
        """How long the oldest change has been waiting; another replica's to publish is not waited for here."""
        return 0.0 if self._leadership.elsewhere else self._lag.seconds()

    async def watch(self) -> None:
        """Take in what the manifests say, until cancelled; returns at once where there are none to watch."""
        if self._source is None:
            self._changed.set()
            return
        async for desired in self._source.changes():
            self._take(desired)

    async def keep(self) -> None:
        """Publish whenever something changed, and carry on what is under way, until cancelled."""
        await self._changed.wait()
        while True:
            try:
                await self._lead()
                await self._turn()
                await self._pause()
            except StoreFailure as error:
                metrics.PUBLISHES.labels("failed").inc()
                log.warning("could not publish; trying again", error=str(error))
                await asyncio.sleep(MAINTAIN_S)
            except DeposedError as error:
                log.warning("somebody else publishes by now", reason=str(error))
                await asyncio.sleep(MAINTAIN_S)
            except ForeignOwnerError as error:
                self.refused = str(error)
                log.critical("nothing is published", reason=self.refused)
                self.progress.idle()
                await asyncio.sleep(_REFUSED_S)
            except StoreReplacedError as error:
                log.critical(str(error), cursor_ms=self._ticker.cursor_ms)
                self._publisher.forget()
                self._restore()
                self._changed.set()
            except StoreRevertedError as error:
                log.critical(str(error))
                self._changed.set()

    async def _lead(self) -> None:
        """Wait until this process may publish. Whoever was not leading before looks at everything anew."""
        self.progress.idle()
        fence = await self._leadership.leading()
        self.progress.step()
        if self._publisher.lead(fence):
            self._new_to_lead = True
            self._changed.set()
        if self._new_to_lead:
            await self._look_for_a_loss()
            self._new_to_lead = False

    async def _look_for_a_loss(self) -> None:
        """Fill a store again that lost everything while somebody else led, or nobody did."""
        known, catalog = self.lookout.copy, await read_catalog(self._store)
        if known and (not catalog.installed_ms or catalog.refilling):
            log.critical("the store has lost everything; it is filled again", cursor_ms=known.cursor_ms)
            self._restore()

    def _restore(self) -> None:
        """Fill the store again with the next publish; without manifests whoever published must come again."""
        if self._desired is not None and not self._restoring:
            self._restoring, self._lost = True, self.lookout.copy

    async def _go_back(self, lost: CursorCopy) -> None:
        """Give a store that was filled again its cursor, set back as far as what waited in it was due."""
        assert self._desired is not None
        kept = await self.lookout.kept_places(lost)
        again = replay(lost, self._desired.types.values(), kept_places=kept)
        if await self._ticker.restore(again):
            metrics.CURSOR_SET_BACK.inc((again.end_ms - again.start_ms) / 1000)
            for name, after_ms in again.by_type.items():
                log.warning("type goes back", type=name, seconds=(again.end_ms - after_ms) / 1000)

    async def _pause(self) -> None:
        """Wait for a change, but no longer than MAINTAIN_S."""
        try:
            async with asyncio.timeout(MAINTAIN_S):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _take(self, desired: Desired) -> None:
        faulty = {fault.file for fault in desired.faults} if desired.protected is None else set[str]()
        self._unknown = faulty if self._unknown is None else self._unknown & faulty
        report_taken(desired, self._desired)
        self._desired = desired
        self._lag.change()
        self._changed.set()

    async def _turn(self) -> None:
        if time.monotonic() >= self._ask_again_s:
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
            if self._restoring:
                await mark_installed(self._store)
            if self._rate is not None:
                await set_rate(self._store, self._rate)
            await self._publish()
            if self._restoring:
                if self._lost:
                    await self._go_back(self._lost)
                self._restoring = False
        except BaseException:
            self._changed.set()  # it is still to do
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
        prune = not self._unknown
        as_of_ms = None
        if self._restoring and self._lost:
            as_of_ms = replay(self._lost, desired.types.values(), kept_places=False).start_ms
        publish = partial(
            self._publisher.publish, desired.types, desired.users, protected=desired.protected or Protected()
        )
        done = await publish(prune=prune, as_of_ms=as_of_ms)
        if done.held and await self._confirmed(desired):
            done = await publish(confirm_removals=True)
        wait_s = _HELD_S if done.held else _FOREIGN_S if done.foreign else _LOOK_AGAIN_S
        self._ask_again_s = time.monotonic() + wait_s
        self.in_store, self.foreign = desired, frozenset(done.foreign)
        report_published(done, self._unknown or ())

    async def _confirmed(self, desired: Desired) -> bool:
        """Whether a fresh look at all files, a little later, misses the same users and types."""
        assert self._source is not None
        log.warning("many users or types are gone; reading the manifests again before they are removed")
        self.progress.idle()  # all files, or a slow API server: however long it takes, that is no loop that hangs
        fresh = await self._source.look()
        self.progress.step()
        return (
            fresh is not None
            and fresh.users.keys() <= desired.users.keys()
            and fresh.types.keys() <= desired.types.keys()
        )
