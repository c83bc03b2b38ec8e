"""Writes of limits by name: first those that differ, and at the end, once no type names them, removals."""

from collections.abc import Callable, Collection, Mapping

from taskqueue.models.limit_tree import names_in_use, with_those_around
from taskqueue.models.values import Limit
from taskqueue.scheduler.type_writer import TypeWriter
from taskqueue.store.changed_limits import follow_limits
from taskqueue.store.connection import Store
from taskqueue.store.errors import TypesMovedError
from taskqueue.store.types import Catalog, put_limits

#: Limits to write, and names of limits to remove.
_Change = tuple[list[Limit], list[str]]


class LimitWriter:
    """The limits of one store, written against the version and with the fence of `types`."""

    def __init__(self, store: Store, types: TypeWriter) -> None:
        self._store = store
        self._types = types

    async def write(self, desired: Mapping[str, Limit]) -> int:
        """Write the limits that differ, and return their number. Raises as `TypeWriter.read` does, and DeposedError."""

        def changed(catalog: Catalog) -> _Change:
            return [limit for name, limit in desired.items() if catalog.limits.get(name) != limit], []

        return await self._put(changed)

    async def remove(self, stay: Collection[str]) -> int:
        """Remove the limits that are not among `stay`, unless a type or another limit names them; return their number.

        A limit that is still named keeps its last value: its jobs are never unlimited.
        """

        def gone(catalog: Catalog) -> _Change:
            types = [record.task_type for record in catalog.records.values()]
            used = names_in_use(types, catalog.limits) | with_those_around(stay, catalog.limits)
            return [], sorted(catalog.limits.keys() - used)

        return await self._put(gone)

    async def follow(self) -> None:
        """Have all waiting jobs follow the limits changed by any process."""
        while await follow_limits(self._store):
            self._types.progress.step()

    async def _put(self, choose: Callable[[Catalog], _Change]) -> int:
        while True:
            catalog = await self._types.read()
            written, removed = choose(catalog)
            if not written and not removed:
                return 0
            try:
                self._types.version = await put_limits(
                    self._store, catalog.version, written, removed=removed, fence=self._types.fence
                )
            except TypesMovedError:
                continue
            return len(written) + len(removed)
