"""Emits what became due, up to a second ahead of the clock, and moves the cursor.

Any number of tickers may run: the store lets one of several equal calls through and tells the others. One
that dies loses nothing, for all it knew is the cursor, and that is in the store.
"""

import asyncio
import random
import time
from dataclasses import replace

import structlog

from taskqueue.plan.due import due
from taskqueue.plan.replay import Replay, due_in_replay
from taskqueue.plan.segment import DueRange, Segment
from taskqueue.process.progress import Progress
from taskqueue.scheduler import metrics
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor, restore_cursor
from taskqueue.store.errors import CursorLostError, StoreFailure
from taskqueue.store.tick import Tick, Verdict, tick
from taskqueue.store.types import Catalog, read_catalog

#: Most members of one call: what keeps Redis free for the workers, and what catches up fast.
STEADY_MOST = 300
CATCH_UP_MOST = 4_000
#: Further behind than this is catching up.
BEHIND_MS = 2_000
STEP_MAX_MS = 86_400_000
#: A new process waits so long for types that cannot be read to be published again: what is due meanwhile is not lost.
UNREADABLE_S = 5.0
#: Full jitter between tries while the store is unreachable.
BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 5.0

log = structlog.get_logger()


class Ticker:
    """Ticks every `period_s` seconds and emits up to `look_ahead_ms` early, which the store bounds at 1,000.

    ticked is set after every call that moved the cursor; whoever waits for it clears it.
    """

    def __init__(
        self,
        store: Store,
        *,
        period_s: float = 0.25,
        look_ahead_ms: int = 1_000,
        max_backlog: int = 100_000,
    ) -> None:
        self.ticked = asyncio.Event()
        #: The cursor as last seen, epoch ms; the copy that a store which lost it is given back.
        self.cursor_ms: int | None = None
        self.progress = Progress("ticking")
        #: Monotonic seconds: last answer of the store, last move of the cursor.
        self.answered_s = self.moved_s = time.monotonic()
        #: Why the last call failed, in the store's words; empty once one succeeded.
        self.failure = ""
        self._store = store
        self._period_s = period_s
        self._look_ahead_ms = look_ahead_ms
        self._max_backlog = max_backlog
        self._step_ms = look_ahead_ms
        self._catalog: Catalog | None = None
        self._segments = list[Segment]()
        self._ahead_of_monotonic_ms = 0.0
        self._lost = False
        self._began_s = time.monotonic()

    async def run(self) -> None:
        """Tick until cancelled. An unreachable store is waited for."""
        failures = 0
        while True:
            self.progress.step()
            try:
                wait_s = await self.turn()
                if failures:
                    log.info("the store answers again", failures=failures)
                failures, self.failure = 0, ""
            except StoreFailure as error:
                self.failure = str(error)
                if not failures:
                    log.warning("tick failed, nothing is emitted", error=str(error))
                wait_s = random.uniform(0, min(BACKOFF_MAX_S, BACKOFF_MIN_S * 2 ** min(failures, 10)))
                failures += 1
            await asyncio.sleep(wait_s)

    async def turn(self) -> float:
        """Emit all that is due by now and return how many seconds to wait. Raises StoreFailure."""
        if self.cursor_ms is None or self._catalog is None:
            await self._learn()
        while self.cursor_ms is not None and not await self._waits_for_types():
            self.progress.step()
            catalog, now_ms = await self._current()
            goal_ms = now_ms + self._look_ahead_ms
            if self.cursor_ms >= goal_ms:
                break
            most = CATCH_UP_MOST if now_ms - self.cursor_ms > BEHIND_MS else STEADY_MOST
            target_ms = min(goal_ms, self.cursor_ms + self._step_ms)
            replay = self._replay()
            if replay:  # what is emitted again is counted
                target_ms = min(target_ms, replay.end_ms)
            ranges = self._due(replay, target_ms, now_ms)
            answer = await tick(
                self._store,
                self.cursor_ms,
                target_ms,
                catalog.version,
                ranges,
                most=most,
                max_backlog=self._max_backlog,
            )
            if replay and answer.verdict is Verdict.OK:
                metrics.EMITTED_AGAIN.inc(answer.emitted)
            if not await self._take(answer, target_ms, most) or self.cursor_ms == goal_ms:
                break
        return self._period_s

    async def _waits_for_types(self) -> bool:
        """Whether types that cannot be read, and that this process never knew, may still be published again."""
        catalog = self._catalog
        unknown = catalog.unreadable - catalog.records.keys() if catalog else frozenset[str]()
        if not unknown or time.monotonic() >= self._began_s + UNREADABLE_S:
            return False
        await self._read_catalog()
        return True

    @property
    def catalog(self) -> Catalog | None:
        """The types as last seen."""
        return self._catalog

    @property
    def reached_ms(self) -> int | None:
        """Up to where everything was emitted that is not emitted again, epoch ms."""
        replay = self._replay()
        return max(self.cursor_ms, replay.after_ms) if replay and self.cursor_ms else self.cursor_ms

    async def restore(self, replay: Replay | None = None) -> bool:
        """Give a store that lost its cursor the one this ticker knows, if it knows one; or one that is set back."""
        if replay:
            self.cursor_ms = replay.start_ms
        if self.cursor_ms is None:
            return False
        restored = await restore_cursor(self._store, self.cursor_ms, replay)
        if restored:
            log.warning("the store had lost its cursor and got it back", cursor_ms=self.cursor_ms)
        return restored

    def _replay(self) -> Replay | None:
        """Return what is emitted again, while the cursor is not where it was before."""
        replay = self._catalog.replay if self._catalog else None
        return replay if replay and (self.cursor_ms or 0) < replay.end_ms else None

    def _due(self, replay: Replay | None, until_ms: int, now_ms: int) -> list[DueRange]:
        assert self.cursor_ms is not None
        if replay:
            return due_in_replay(replay, self._segments, self.cursor_ms, until_ms, now_ms)
        return due(self._segments, self.cursor_ms, until_ms, now_ms)

    async def _take(self, answer: Tick, target_ms: int, most: int) -> bool:
        """Learn from an answer; True: go on at once."""
        self._set_clock(answer.now_ms)
        metrics.TICKS.labels(answer.verdict.value).inc()
        metrics.BACKLOG_FULL.set(answer.verdict is Verdict.FULL)
        span_ms = target_ms - (self.cursor_ms or 0)
        match answer.verdict:
            case Verdict.OK:
                self._see(answer)
                metrics.EMITTED.inc(answer.emitted)
                if span_ms == self._step_ms and answer.emitted * 2 <= most:
                    self._step_ms = min(self._step_ms * 2, STEP_MAX_MS)
                self.ticked.set()
            case Verdict.BIG:
                self._step_ms = max(1, span_ms // 2)
            case Verdict.TYPES:
                await self._read_catalog()
            case Verdict.MOVED:
                self._see(answer)
                return False  # somebody else ticks: leave it the next period, too
            case Verdict.LOST:
                await self._recover()
                return False
            case Verdict.FULL:
                return False
            case Verdict.AHEAD:
                pass  # the clock is set now
        return True

    def _see(self, answer: Tick) -> None:
        if answer.cursor_ms != self.cursor_ms:
            self.moved_s = time.monotonic()
        self.cursor_ms = answer.cursor_ms
        metrics.TICK_LAG.set((answer.now_ms - answer.cursor_ms) / 1000)
        if self._lost:
            self._lost = False
            metrics.CURSOR_LOST.set(0)

    async def _learn(self) -> None:
        self._set_clock(await server_now_ms(self._store))
        catalog = await self._read_catalog()
        try:
            self.cursor_ms = await read_cursor(self._store)
        except CursorLostError as error:
            if catalog.installed_ms:
                self._say_lost(str(error))

    async def _current(self) -> tuple[Catalog, int]:
        """Return the types as last seen, and the store's clock, never ahead of it."""
        now_ms = int(time.monotonic() * 1000 + self._ahead_of_monotonic_ms)
        catalog = self._catalog
        if catalog is None or (catalog.expires_ms is not None and now_ms >= catalog.expires_ms):
            catalog = await self._read_catalog()
        return catalog, now_ms

    def _set_clock(self, server_ms: int) -> None:
        # An answer is a little old when it arrives, so that this clock is behind the store's, never ahead.
        self.answered_s = time.monotonic()
        self._ahead_of_monotonic_ms = server_ms - self.answered_s * 1000

    async def _read_catalog(self) -> Catalog:
        self._catalog = _completed(await read_catalog(self._store), self._catalog)
        self._segments = self._catalog.segments()
        return self._catalog

    async def _recover(self) -> None:
        """Give the cursor back where only it is gone; where all is, publishing comes first."""
        known = self._catalog
        assert known is not None
        catalog = await read_catalog(self._store)
        if catalog.installed_ms == known.installed_ms != 0 and not catalog.refilling:
            await self.restore()
        elif catalog.refilling or not catalog.installed_ms:
            self._say_lost("store lost everything, waiting until it is filled again")
        else:
            self._say_lost(str(CursorLostError()))

    def _say_lost(self, text: str) -> None:
        metrics.CURSOR_LOST.set(1)
        if not self._lost:
            log.error(text, last_cursor_ms=self.cursor_ms)
        self._lost = True


def _completed(catalog: Catalog, known: Catalog | None) -> Catalog:
    """Return the catalog with types that cannot be read as they were known: their schedule goes on.

    While the version is the same, none can have gone.
    """
    if known is None:
        return catalog
    same = catalog.version == known.version and catalog.installed_ms == known.installed_ms
    kept = {name: record for name, record in known.records.items() if same or name in catalog.unreadable}
    return replace(catalog, records={**kept, **catalog.records})
