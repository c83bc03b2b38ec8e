"""The point from which a store that lost everything goes on: a copy of the cursor, and the floors of types.

Every few seconds it reads the oldest waiting jobs of types with catchUp All. A scheduler with a folder keeps the copy
in memory alone; the operator's leader also writes it into the Lease.
"""

import asyncio
import time

import structlog

from taskqueue.models.values import CatchUp
from taskqueue.scheduler.floors import CursorCopy, Floors, floors, newest
from taskqueue.scheduler.leadership import Leadership
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure
from taskqueue.store.oldest import Oldest, find_oldest
from taskqueue.store.places import Places, read_places
from taskqueue.store.type_record import TypeRecord
from taskqueue.store.types import Catalog, read_catalog

#: The rest between two reads is this many times the duration of the last one, to bound their cost.
_REST = 100
#: Bounds of this rest, seconds. With very many jobs, the upper bound spends more than a hundredth of the time.
LOOK_MIN_S, LOOK_MAX_S = 1.0, 60.0
#: Upper bound of the rest between two reads of places, which change with subscriptions alone.
_PLACES_MAX_S = 600.0

log = structlog.get_logger()


class RecoveryPoint:
    """One for a process; reads only while this process may be the one that refills the store."""

    def __init__(self, store: Store, ticker: Ticker, leadership: Leadership) -> None:
        self._store = store
        self._ticker = ticker
        self._leadership = leadership
        self._floors: Floors | None = None
        self._places: Places | None = None
        self._digest = 0
        self._places_at_s = 0.0
        self._last_took_s = float("inf")

    @property
    def copy(self) -> CursorCopy | None:
        """The later cursor of this process and of the leader, with floors."""
        reached_ms = self._ticker.reached_ms
        ours = None if reached_ms is None else CursorCopy(reached_ms, self._floors)
        return newest(ours, self._leadership.last_copy)

    async def run(self) -> None:
        """Read until cancelled. A failed read keeps the result of the last one, which still holds."""
        while True:
            wait_s = LOOK_MIN_S
            try:
                if self._leadership.another_leads:
                    self._floors = None
                else:
                    began_s = time.monotonic()
                    await self.read()
                    took_s = time.monotonic() - began_s
                    # The shorter of two reads: a store that hangs once makes no read expensive.
                    wait_s = _rest_s(min(took_s, self._last_took_s), LOOK_MAX_S)
                    self._last_took_s = took_s
            except StoreFailure as error:
                log.debug("floors not read", error=str(error))
            await asyncio.sleep(wait_s)

    async def read(self) -> None:
        """Read the floors of types with catchUp All. Raises StoreFailure."""
        catalog = self._ticker.catalog
        if catalog is None:
            return
        every = types_with_catch_up_all(catalog)
        if not every:
            self._floors = None
            return
        found = await find_oldest(self._store, [one.task_type.name for one in every])
        if found is None or found.installed_ms != catalog.installed_ms:
            return
        seen = _floors(found, catalog, every)
        if not self._floors or time.monotonic() >= self._places_at_s:
            began_s = time.monotonic()
            self._places = await read_places(self._store, every, catalog.variants)
            self._digest = self._places.digest if self._places else 0
            self._places_at_s = time.monotonic() + _rest_s(time.monotonic() - began_s, _PLACES_MAX_S)
        self._floors = Floors(seen.seen_ms, seen.by_type, self._digest)

    async def kept_places(self, copy: CursorCopy) -> bool:
        """Tell whether the refilled store dealt subscriptions the places they had before. Raises StoreFailure."""
        catalog = await read_catalog(self._store)
        places = await read_places(self._store, types_with_catch_up_all(catalog), catalog.variants)
        if places is None or copy.floors is None:
            return False
        return places.digest == copy.floors.places or bool(self._places and self._places.have(places))


def types_with_catch_up_all(catalog: Catalog) -> list[TypeRecord]:
    """Return the types with catchUp All."""
    return [one for one in catalog.records.values() if one.task_type.catch_up is CatchUp.ALL]


def _floors(found: Oldest, catalog: Catalog, every: list[TypeRecord]) -> Floors:
    """Return the floors of a read; a type in replay has not reached the cursor."""
    behind, oldest_ms, seen_ms = catalog.replay, dict(found.due_ms), found.cursor_ms
    if behind:
        seen_ms = max(seen_ms, behind.after_ms)
        for one in every:
            name = one.task_type.name
            reached_ms = behind.reached_ms(name, found.cursor_ms)
            oldest_ms[name] = min(oldest_ms.get(name, reached_ms), reached_ms)
    return floors(seen_ms, oldest_ms)


def _rest_s(took_s: float, most_s: float) -> float:
    return min(max(LOOK_MIN_S, _REST * took_s), most_s)
