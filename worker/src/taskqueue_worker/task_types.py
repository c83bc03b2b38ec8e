"""What the worker knows of each task type: its definition and the callable that does its jobs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from taskqueue.handlers.dispatch import Dispatcher
from taskqueue.handlers.errors import HandlersError
from taskqueue.handlers.managed import ManagedHandler
from taskqueue.handlers.registry import Runnable
from taskqueue.models.values import TaskType
from taskqueue.store.catalog import Catalog, read_catalog
from taskqueue.store.connection import Store

log = structlog.get_logger("taskqueue.worker")

#: Outcomes counted per type, in the order of the documentation.
OUTCOMES = ("done", "retried", "dead", "limited", "late", "no-thread", "cancelled", "lost")


@dataclass(slots=True)
class BoundType:
    """One task type as the worker runs it.

    problem: why it cannot run.   counts: this process' outcomes.
    managed: the handler, if it says itself when its jobs begin.
    """

    definition: TaskType
    run: Runnable | None
    problem: str = ""
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))

    managed: ManagedHandler | None = field(init=False)
    _params: bytes = field(init=False)

    def __post_init__(self) -> None:
        self._params = msgspec.json.encode(self.definition.params)
        self.managed = self.run if isinstance(self.run, ManagedHandler) else None

    def params(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the type's params under a job's own, made anew each time: what a handler changes in them is its own.

        Those that the type locks are the type's, or none, also where the job was made before it locked them.
        """
        merged: dict[str, Any] = msgspec.json.decode(self._params)
        locked = self.definition.locked_params
        merged |= {name: value for name, value in own.items() if name not in locked} if locked else own
        return merged


class TaskTypes:
    """All task types at the version the worker knows."""

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._by_name: dict[str, BoundType] = {}
        self.version = -1
        #: Types whose records cannot be read; what was known of them before still holds.
        self.unreadable = frozenset[str]()
        self.get: Callable[[str], BoundType | None] = self._by_name.get

    def all(self) -> Iterable[BoundType]:
        return self._by_name.values()

    async def refresh(self) -> None:
        """Reads the types again. Raises StoreFailure and then changes nothing."""
        catalog = await read_catalog(self._store)
        self._take(catalog)

    def _take(self, catalog: Catalog) -> None:
        for name in [
            name for name in self._by_name if name not in catalog.records.keys() | catalog.unreadable
        ]:
            del self._by_name[name]
        for name, record in catalog.records.items():
            known = self._by_name.get(name)
            if known is None or known.definition != record.spec:
                self._by_name[name] = self._resolve(record.spec, known)
        self.unreadable = catalog.unreadable
        self.version = catalog.version

    def _resolve(self, definition: TaskType, known: BoundType | None) -> BoundType:
        kept: dict[str, Any] = {"counts": known.counts} if known else {}
        try:
            return BoundType(definition, self._dispatcher.resolve(definition), **kept)
        except HandlersError as error:
            log.warning("handler missing", type=definition.name, problem=str(error))
            return BoundType(definition, None, str(error), **kept)
