"""The refill of a store that lost everything: published again, with the cursor set back to the recovery point."""

from collections.abc import Iterable

import structlog

from taskqueue.models.values import TaskType
from taskqueue.scheduler import metrics
from taskqueue.scheduler.floors import CursorCopy, replay
from taskqueue.scheduler.recovery_point import RecoveryPoint
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store.connection import Store
from taskqueue.store.cursor import mark_installed
from taskqueue.store.types import read_catalog

log = structlog.get_logger()


class Refill:
    """under_way: the next publish fills the store again."""

    def __init__(self, store: Store, ticker: Ticker, recovery_point: RecoveryPoint) -> None:
        self.under_way = False
        self._store = store
        self._ticker = ticker
        self._recovery_point = recovery_point
        self._lost: CursorCopy | None = None

    def begin(self) -> None:
        """Keep the recovery point as it is now, unless a refill is under way."""
        if not self.under_way:
            self.under_way, self._lost = True, self._recovery_point.copy

    async def is_needed(self) -> bool:
        """Tell whether the store lost everything, while another process led or none did. Raises StoreFailure."""
        known, catalog = self._recovery_point.copy, await read_catalog(self._store)
        if known and (not catalog.installed_ms or catalog.refilling):
            log.critical("store lost everything, refilling", cursor_ms=known.cursor_ms)
            return True
        return False

    async def mark(self) -> None:
        """Mark the store as being refilled, where it is. Raises StoreFailure."""
        if self.under_way:
            await mark_installed(self._store)

    def as_of_ms(self, types: Iterable[TaskType]) -> int | None:
        """Return the instant from whose period on new types begin; None for now."""
        if self.under_way and self._lost:
            return replay(self._lost, types, kept_places=False).start_ms
        return None

    async def end(self, types: Iterable[TaskType]) -> None:
        """Give the store its cursor, set back by what was waiting. Raises StoreFailure."""
        if self.under_way and self._lost:
            await self._set_back(self._lost, types)
        self.under_way = False

    async def _set_back(self, lost: CursorCopy, types: Iterable[TaskType]) -> None:
        kept = await self._recovery_point.kept_places(lost)
        again = replay(lost, types, kept_places=kept)
        if await self._ticker.restore(again):
            metrics.CURSOR_SET_BACK.inc((again.end_ms - again.start_ms) / 1000)
            for name, after_ms in again.by_type.items():
                log.warning("type set back", type=name, seconds=(again.end_ms - after_ms) / 1000)
