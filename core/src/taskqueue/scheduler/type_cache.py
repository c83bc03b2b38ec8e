"""The task types as a ticker last read them, completed where a stored type is unreadable."""

import time
from dataclasses import replace

from taskqueue.plan.agenda import Agenda
from taskqueue.plan.segment import Segment
from taskqueue.store.connection import Store
from taskqueue.store.types import Catalog, read_catalog

#: Seconds for which a new process waits for unreadable types to be repaired, so that none of their jobs are left out.
UNREADABLE_S = 5.0


class TypeCache:
    """catalog: the types as last read. segments: their schedules, for the plan. agenda: of these."""

    def __init__(self, store: Store) -> None:
        self.catalog: Catalog | None = None
        self.segments = list[Segment]()
        self.agenda = Agenda()
        self._store = store
        self._began_s = time.monotonic()

    async def read(self) -> Catalog:
        """Read the types again. Raises StoreFailure."""
        self.catalog = _completed(await read_catalog(self._store), self.catalog)
        self.segments = self.catalog.segments()
        self.agenda.take(self.segments)
        return self.catalog

    async def current(self, now_ms: int) -> Catalog:
        """Return the types; read them again where a pause or an override has ended by `now_ms`. Raises StoreFailure."""
        catalog = self.catalog
        if catalog is None or (catalog.expires_ms is not None and now_ms >= catalog.expires_ms):
            return await self.read()
        return catalog

    async def awaits_repair(self) -> bool:
        """Tell whether unreadable types, never read by this process, may still be repaired. Raises StoreFailure."""
        catalog = self.catalog
        unknown = catalog.unreadable - catalog.records.keys() if catalog else frozenset[str]()
        if not unknown or time.monotonic() >= self._began_s + UNREADABLE_S:
            return False
        await self.read()
        return True


def _completed(catalog: Catalog, known: Catalog | None) -> Catalog:
    """Return the catalog with unreadable types as they were last read, so that their schedules go on.

    While the version is the same, no type was removed.
    """
    if known is None:
        return catalog
    same = catalog.version == known.version and catalog.installed_ms == known.installed_ms
    kept = {name: record for name, record in known.records.items() if same or name in catalog.unreadable}
    return replace(catalog, records={**kept, **catalog.records})
