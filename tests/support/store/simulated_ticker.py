"""The ticks of a scheduler on the scripts' clock, between the calls of simulated workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskqueue.plan.due import due
from taskqueue.store.cursor import read_cursor
from taskqueue.store.tick import TickVerdict, tick
from taskqueue.store.types import read_catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskqueue.plan.segment import Segment
    from taskqueue.store.connection import Store

#: A tick emits so far ahead of the clock; the store allows no more.
_AHEAD_MS = 1_000
_MOST = 100_000


@dataclass
class SimulatedTicker:
    """Ticks every period_us from at_us on.   emitted: jobs so far.   behind: types whose queue has max_backlog jobs."""

    version: int
    variants: int
    segments: Sequence[Segment]
    cursor_ms: int
    at_us: float
    period_us: int
    max_backlog: int
    late_us: int = 0
    emitted: int = 0
    behind: frozenset[str] = frozenset()

    def next_us(self) -> float:
        return self.at_us

    async def call(self, store: Store, now_us: int) -> None:
        """Emit what becomes due; the cursor never waits."""
        now_ms = now_us // 1_000
        target_ms = now_ms + _AHEAD_MS
        ranges = due(self.segments, self.cursor_ms, target_ms, now_ms)
        args = (store, self.cursor_ms, target_ms, self.version, ranges)
        done = await tick(*args, variants=self.variants, most=_MOST, max_backlog=self.max_backlog)
        assert done.verdict is TickVerdict.OK
        self.cursor_ms, self.emitted = done.cursor_ms, self.emitted + done.emitted
        self.behind = frozenset(done.behind)
        self.at_us = now_us + self.period_us


async def start_ticker(
    store: Store, now_us: int, *, period_us: int = 250_000, max_backlog: int = 100_000
) -> SimulatedTicker:
    """Return a ticker that goes on from the store's cursor.   max_backlog: jobs of a queue that is full."""
    catalog, cursor_ms = await read_catalog(store), await read_cursor(store)
    return SimulatedTicker(
        catalog.version,
        catalog.stored_variants,
        catalog.segments(),
        cursor_ms,
        now_us,
        period_us,
        max_backlog,
    )
