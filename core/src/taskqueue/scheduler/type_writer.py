"""Writes of task types: one step of every type at a time, against the version of the store that was read."""

from collections.abc import Mapping, Sequence

from taskqueue.models.values import TaskType
from taskqueue.process.progress import Progress
from taskqueue.scheduler.errors import StoreReplacedError, StoreRevertedError
from taskqueue.scheduler.reconcile import Change, advance, pending_move
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.errors import CursorLostError, TypesMovedError
from taskqueue.store.fence import UNFENCED, Fence
from taskqueue.store.generations import redeal
from taskqueue.store.type_record import TypeRecord
from taskqueue.store.types import Catalog, put_types, read_catalog

#: Desired types by name; None for a type to remove.
DesiredTypes = Mapping[str, TaskType | None]


class TypeWriter:
    """The types of one store. fence: of the leader that writes. version: of types and limits, as last read or written.

    progress: of the loop that writes.
    """

    def __init__(self, store: Store, progress: Progress) -> None:
        self.fence: Fence = UNFENCED
        self.version = 0
        self._store = store
        self.progress = progress
        self._installed_ms = 0

    def forget(self) -> None:
        """Forget the store: the next read may find any other."""
        self._installed_ms = self.version = 0

    async def read(self) -> Catalog:
        """Read the stored types. Raises StoreReplacedError, StoreRevertedError and StoreFailure."""
        self.progress.step()
        catalog = await read_catalog(self._store)
        if self._installed_ms and catalog.installed_ms != self._installed_ms:
            raise StoreReplacedError
        if catalog.version < self.version:  # a failover or a backup lost the last writes
            raise StoreRevertedError
        self._installed_ms, self.version = catalog.installed_ms, catalog.version
        return catalog

    async def write_all_steps(self, desired: DesiredTypes, as_of_ms: int | None = None) -> set[str]:
        """Write all steps of all types, and return the names of the types written."""
        written: set[str] = set()
        while changed := await self.step(desired, as_of_ms, moving=True):
            written |= changed
        return written

    async def step(self, desired: DesiredTypes, as_of_ms: int | None, *, moving: bool) -> set[str]:
        """Write one step of every type that has one, in one call, and return the names of these types.

        Types that are not in `desired` take the steps of their stored state.
        moving False: types that have subscriptions to deal again take no step.
        """
        moved: dict[str, TypeRecord] = {}
        while True:
            catalog = await self.read()
            records = catalog.records
            if moving:
                await self._move(records, moved)
            cursor_ms, now_ms = await self._cursor(), as_of_ms or await server_now_ms(self._store)
            changes = []
            for name in sorted(records.keys() | desired.keys()):
                record = records.get(name)
                if record and not moving and pending_move(record):
                    continue
                task_type = desired[name] if name in desired else records[name].task_type
                reached_ms = (
                    cursor_ms if cursor_ms is None else min(cursor_ms, catalog.behind.get(name, cursor_ms))
                )
                change = advance(record, task_type, reached_ms, now_ms)
                if change:
                    changes.append(change)
            if not changes:
                return set()
            try:
                self.version = await self._write(catalog.version, changes)
            except TypesMovedError:
                continue
            return {change.type for change in changes}

    async def _move(self, records: Mapping[str, TypeRecord], moved: dict[str, TypeRecord]) -> None:
        """Deal subscriptions of the types that need it, except for records that are in `moved` unchanged."""
        for name, record in records.items():
            move = pending_move(record)
            if move and moved.get(name) != record:
                for generation in move.sources:
                    self.progress.step()
                    await redeal(self._store, name, generation, move.target)
                moved[name] = record

    async def _write(self, version: int, changes: Sequence[Change]) -> int:
        return await put_types(
            self._store,
            version,
            [change.record for change in changes if change.record],
            removed=[change.type for change in changes if not change.record],
            dropped=[(change.type, number) for change in changes for number in change.dropped],
            before_ms={change.type: change.before_ms for change in changes if change.before_ms},
            fence=self.fence,
        )

    async def _cursor(self) -> int | None:
        try:
            return await read_cursor(self._store)
        except CursorLostError:
            return None
