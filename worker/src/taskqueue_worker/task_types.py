"""Task types as the worker runs them: the stored definition bound to the handler that does its jobs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from taskqueue.handlers.dispatch import Dispatcher
from taskqueue.handlers.errors import HandlersError
from taskqueue.handlers.managed import ManagedHandler
from taskqueue.handlers.registry import Runnable
from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.limit_tree import path_of
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Limit, TaskType
from taskqueue.store.connection import Store
from taskqueue.store.types import Catalog, read_catalog
from taskqueue_worker.tally import Lateness, Tally

log = structlog.get_logger("taskqueue.worker")


@dataclass(slots=True)
class BoundType:
    """One task type bound to its handler.

    problem: why no handler is bound.   tally: counts of this process; counts: its outcomes.
    managed: the handler, if it begins its jobs by itself (threads, HTTP).
    closable: names of the limits that its handler may close: those from which its jobs take.
    """

    definition: TaskType
    run: Runnable | None
    problem: str = ""
    tally: Tally = field(default_factory=Tally)
    closable: frozenset[str] = frozenset({GLOBAL_LIMIT})

    counts: dict[Outcome, int] = field(init=False)
    managed: ManagedHandler | None = field(init=False)
    _params: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.counts = self.tally.outcomes
        self._params = msgspec.json.encode(self.definition.params)
        self.managed = self.run if isinstance(self.run, ManagedHandler) else None

    def params(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return the type's params merged with a job's own, decoded per call so that a handler may change them.

        Locked params are the type's, also for a job older than the lock; without a value there, they are left out.
        """
        merged: dict[str, Any] = msgspec.json.decode(self._params)
        locked = self.definition.locked_params
        merged |= {name: value for name, value in own.items() if name not in locked} if locked else own
        return merged


class TaskTypes:
    """All task types of the release, at one version of the store.

    unreadable: names of types whose records cannot be read; their last readable definition stays in use.
    lateness: of the starts of all types.
    """

    def __init__(self, store: Store, dispatcher: Dispatcher) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._by_name: dict[str, BoundType] = {}
        self.lateness = Lateness()
        self.version = -1
        self.unreadable = frozenset[str]()
        self.get: Callable[[str], BoundType | None] = self._by_name.get

    def all(self) -> Iterable[BoundType]:
        return self._by_name.values()

    async def refresh(self) -> None:
        """Read the types again. Raises StoreFailure and then changes nothing."""
        catalog = await read_catalog(self._store)
        self._take(catalog)

    def _take(self, catalog: Catalog) -> None:
        stored = catalog.records.keys() | catalog.unreadable
        for name in self._by_name.keys() - stored:
            del self._by_name[name]
        for name, record in catalog.records.items():
            bound = self._by_name.get(name)
            if bound is None or bound.definition != record.task_type:
                self._by_name[name] = bound = self._bind(record.task_type, bound)
            bound.closable = _closable(record.task_type, catalog.limits)
        self.unreadable = catalog.unreadable
        self.version = catalog.version

    def _bind(self, definition: TaskType, before: BoundType | None) -> BoundType:
        tally = before.tally if before else Tally(self.lateness)
        try:
            return BoundType(definition, self._dispatcher.resolve(definition), tally=tally)
        except HandlersError as error:
            log.warning("handler missing", type=definition.name, error=str(error))
            return BoundType(definition, None, str(error), tally)


def _closable(definition: TaskType, limits: Mapping[str, Limit]) -> frozenset[str]:
    """Return the names of the limits from which a type's jobs take."""
    path = path_of(definition.limits, limits)
    return frozenset(
        {GLOBAL_LIMIT, f"type:{definition.name}", *(one.name for one in (*path.release, *path.users))}
    )
