"""Emits due jobs, up to a second ahead of the clock, and moves the cursor.

Any number of tickers may run: of several equal calls the store accepts one and answers the rest that the cursor moved.
A ticker that dies loses nothing: its only state is the cursor, which the store has.
"""

import asyncio
import time

import structlog

from taskqueue.plan.due import due
from taskqueue.plan.replay import Replay, due_in_replay
from taskqueue.process.backoff import Backoff
from taskqueue.process.progress import Progress
from taskqueue.scheduler import metrics
from taskqueue.scheduler.late_types import MAX_JOBS, LateTypes
from taskqueue.scheduler.step import Step
from taskqueue.scheduler.store_clock import StoreClock
from taskqueue.scheduler.type_cache import TypeCache
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor, restore_cursor
from taskqueue.store.errors import CursorLostError, StoreFailure
from taskqueue.store.tick import Tick, TickVerdict, tick
from taskqueue.store.types import Catalog, read_catalog

#: Maximum jobs of one call: few keep Redis free for the workers, MAX_JOBS catch up fast.
MAX_STEADY = 300
#: A cursor further behind than this catches up.
BEHIND_MS = 2_000
#: Bounds of the wait between two attempts at an unreachable store, with full jitter.
BACKOFF_MIN_S = 0.1
BACKOFF_MAX_S = 5.0

log = structlog.get_logger()


class Ticker:
    """Ticks every `period_s` seconds and emits up to `look_ahead_ms` early, which the store bounds at 1,000.

    ticked: set after every call that moved the cursor; a test that waits for it clears it.
    cursor_ms: the cursor as last seen, epoch ms; a store that lost its cursor gets this copy.
    progress: of the loop, for /livez.   moved_s: last move of the cursor, monotonic seconds.
    failure: the error of the last call, or empty.
    late: types whose queue was full.
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
        self.cursor_ms: int | None = None
        self.progress = Progress("ticking")
        self.moved_s = time.monotonic()
        self.failure = ""
        self.late = LateTypes(store, self.progress, max_backlog)
        self._store = store
        self._period_s = period_s
        self._look_ahead_ms = look_ahead_ms
        self._max_backlog = max_backlog
        self._step = Step(look_ahead_ms)
        self._types = TypeCache(store)
        self._clock = StoreClock()
        self._change_ms: int | None = None
        self._lost = False

    @property
    def answered_s(self) -> float:
        """The last answer of the store, monotonic seconds."""
        return self._clock.answered_s

    @property
    def catalog(self) -> Catalog | None:
        """The types as last read."""
        return self._types.catalog

    @property
    def reached_ms(self) -> int | None:
        """The instant before which every job was emitted and none is emitted again, epoch ms."""
        replay = self._replay()
        return max(self.cursor_ms, replay.after_ms) if replay and self.cursor_ms else self.cursor_ms

    async def run(self) -> None:
        """Tick until cancelled, also through an unreachable store."""
        backoff = Backoff(BACKOFF_MIN_S, BACKOFF_MAX_S)
        while True:
            self.progress.step()
            try:
                wait_s = await self.turn()
                if backoff.failures:
                    log.info("store answers again", failures=backoff.failures)
                backoff.succeed()
                self.failure = ""
            except StoreFailure as error:
                self.failure = str(error)
                if not backoff.failures:
                    log.warning("tick failed, retrying", error=str(error))
                wait_s = backoff.fail()
            await asyncio.sleep(wait_s)

    async def turn(self) -> float:
        """Emit all jobs due by now, and return the seconds to wait. Raises StoreFailure."""
        if self.cursor_ms is None or self._types.catalog is None:
            await self._read()
        while self.cursor_ms is not None and not await self._types.awaits_repair():
            self.progress.step()
            now_ms = self._clock.now_ms()
            catalog = await self._types.current(now_ms)
            goal_ms = now_ms + self._look_ahead_ms
            if self.cursor_ms >= goal_ms:
                break
            most = MAX_JOBS if now_ms - self.cursor_ms > BEHIND_MS else MAX_STEADY
            target_ms = min(goal_ms, self.cursor_ms + self._step.ms)
            if self._change_ms and self._change_ms > self.cursor_ms:
                target_ms = min(target_ms, self._change_ms)
            replay = self._replay()
            if replay:  # jobs emitted again are counted apart
                target_ms = min(target_ms, replay.end_ms)
            segments = self._types.agenda.open_between(self.cursor_ms, target_ms)
            step = (segments, self.cursor_ms, target_ms, now_ms)
            ranges = due_in_replay(replay, *step) if replay else due(*step)
            answer = await tick(
                self._store,
                self.cursor_ms,
                target_ms,
                catalog.version,
                ranges,
                variants=catalog.stored_variants,
                most=most,
                max_backlog=self._max_backlog,
            )
            if replay and answer.verdict is TickVerdict.OK:
                metrics.EMITTED_AGAIN.inc(answer.emitted)
            if not await self._take(answer, target_ms, most) or self.cursor_ms == goal_ms:
                break
        if self.late.behind and self.cursor_ms is not None and self._types.catalog is not None:
            await self.late.emit(
                self._types.segments, self._types.catalog, self.cursor_ms, self._clock.now_ms()
            )
        return self._period_s

    async def restore(self, replay: Replay | None = None) -> bool:
        """Give a store that lost its cursor the one of this ticker, or the start of a replay.

        Return whether the store took it: not where this ticker has no cursor, or the store has one.
        """
        if replay:
            self.cursor_ms = replay.start_ms
        if self.cursor_ms is None:
            return False
        restored = await restore_cursor(self._store, self.cursor_ms, replay)
        if restored:
            log.warning("lost cursor restored", cursor_ms=self.cursor_ms)
        return restored

    def _replay(self) -> Replay | None:
        """Return the replay under way: until the cursor is where it was before the loss."""
        catalog = self._types.catalog
        replay = catalog.replay if catalog else None
        return replay if replay and (self.cursor_ms or 0) < replay.end_ms else None

    async def _take(self, answer: Tick, target_ms: int, most: int) -> bool:
        """Take an answer of the store. Return True where the next call follows at once."""
        self._clock.set(answer.now_ms)
        metrics.TICKS.labels(answer.verdict.value).inc()
        self.late.behind = answer.behind
        metrics.BACKLOG_FULL.set(bool(answer.behind))
        self._step.adapt(answer, target_ms - (self.cursor_ms or 0), most)
        self._change_ms = answer.change_ms
        match answer.verdict:
            case TickVerdict.OK:
                self._move(answer)
                metrics.EMITTED.inc(answer.emitted)
                self.ticked.set()
            case TickVerdict.TYPES:
                await self._types.read()
            case TickVerdict.MOVED:
                self._move(answer)
                return False  # another ticker is at work: leave it the next period as well
            case TickVerdict.LOST:
                await self._recover()
                return False
            case TickVerdict.BIG | TickVerdict.AHEAD | TickVerdict.CHANGE | TickVerdict.FULL:
                pass  # the step is shorter, or the clock right, now; only types that are behind meet a full queue
        return True

    def _move(self, answer: Tick) -> None:
        if answer.cursor_ms != self.cursor_ms:
            self.moved_s = time.monotonic()
        self.cursor_ms = answer.cursor_ms
        metrics.TICK_LAG.set((answer.now_ms - min([answer.cursor_ms, *answer.behind.values()])) / 1000)
        if self._lost:
            self._lost = False
            metrics.CURSOR_LOST.set(0)

    async def _read(self) -> None:
        self._clock.set(await server_now_ms(self._store))
        catalog = await self._types.read()
        self.late.behind = catalog.behind
        try:
            self.cursor_ms = await read_cursor(self._store)
        except CursorLostError as error:
            if catalog.installed_ms:
                self._report_lost("cursor lost", str(error))

    async def _recover(self) -> None:
        """Restore the cursor where the store lost nothing else; otherwise a publish must come first."""
        known = self._types.catalog
        assert known is not None
        catalog = await read_catalog(self._store)
        if catalog.installed_ms == known.installed_ms != 0 and not catalog.refilling:
            await self.restore()
        elif catalog.refilling or not catalog.installed_ms:
            self._report_lost("store lost everything, waiting for a publish", str(CursorLostError()))
        else:
            self._report_lost("cursor lost", str(CursorLostError()))

    def _report_lost(self, event: str, error: str) -> None:
        metrics.CURSOR_LOST.set(1)
        if not self._lost:
            log.error(event, error=error, last_cursor_ms=self.cursor_ms)
        self._lost = True
