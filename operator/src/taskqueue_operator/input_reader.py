"""The reader of status inputs: from the store, the scheduler and the plan."""

import asyncio
import time
from collections import Counter
from collections.abc import Container, Iterable, Mapping

from taskqueue.models.values import Limit, TaskType, UserSubscription
from taskqueue.plan.feasibility import check
from taskqueue.plan.verdict import Fit
from taskqueue.plan.verdict_text import explain
from taskqueue.plan.worker import ALIVE_MS
from taskqueue.scheduler.keeper import Keeper
from taskqueue.sources.desired import Desired
from taskqueue.store.connection import Store
from taskqueue.store.listing import WorkerSeen, read_handlers, read_workers
from taskqueue.store.types import read_catalog
from taskqueue_operator import metrics
from taskqueue_operator.condition import kept
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import Kind, Object
from taskqueue_operator.status_inputs import StatusInputs
from taskqueue_operator.stopped_reader import StoppedReader


class InputReader:
    """Reads the inputs, and caches the results that are expensive: feasibility and subscription counts."""

    def __init__(self, store: Store, keeper: Keeper, table: ObjectTable) -> None:
        self._store = store
        self._keeper = keeper
        self._table = table
        self._checked: tuple[Desired | None, float | None] = None, None
        self._infeasible = ""
        self._subscriptions = Counter[str]()
        self._stopped = StoppedReader(store)

    async def read(self) -> StatusInputs:
        """Return the current inputs. Raises StoreFailure."""
        catalog = await read_catalog(self._store)
        rate = catalog.rate
        metrics.LIMIT.set(rate or 0)
        metrics.PAUSED.set(len(catalog.paused))
        handlers, workers = await read_handlers(self._store), await read_workers(self._store)
        desired = self._keeper.stored
        if (desired, rate) != self._checked:
            self._infeasible = await asyncio.to_thread(infeasible, desired, rate)
            self._subscriptions = await asyncio.to_thread(_count, desired)
            self._checked = desired, rate
        return StatusInputs(
            types=desired.types if desired else {},
            refused_types=self._refused("TaskType", catalog.records),
            duplicates=self._table.duplicates(),
            imported=self._keeper.of_other_sources,
            handlers=running(handlers, workers) if handlers or workers else None,
            paused=frozenset(catalog.paused),
            limited=bool(rate),
            infeasible=self._infeasible,
            subscriptions=self._subscriptions,
            minute=int(time.time()) // 60,
            limits=desired.limits if desired else {},
            known_limits=self._table.known_limits,
            refused_limits=self._refused("RateLimit", self._table.known_limits),
            stopped=await self._stopped.read(catalog.records),
        )

    def is_published(self, obj: Object, duplicates: Mapping[str, Object]) -> bool:
        """Tell whether the store has the declaration of an object: before that, a status would be premature."""
        desired = self._keeper.stored
        if desired is None:
            return False
        if isinstance(obj.value, TaskType):
            return desired.types.get(obj.name) is obj.value
        if isinstance(obj.value, Limit):
            return desired.limits.get(obj.name) is obj.value
        if isinstance(obj.value, UserSubscription) and obj.name not in duplicates:
            return desired.users.get(obj.value.user_id) is obj.value
        return True  # has no declaration to publish

    def _refused(self, kind: Kind, in_force: Container[str]) -> dict[str, str]:
        """Return the objects without an accepted declaration, by name, each with its fault."""
        return {
            name: kept(fault) if name in in_force else fault
            for name, fault in self._table.refused(kind).items()
        }


def running(handlers: Mapping[str, int], workers: Iterable[WorkerSeen]) -> frozenset[str]:
    """Return the handlers of running workers; if none runs, of the last workers.

    handlers: the last report of each name, epoch ms. Every heartbeat reports all handlers of its worker, so one last
    reported longer than ALIVE_MS before the latest heartbeat of any worker is gone.
    """
    latest_ms = max((worker.seen_ms for worker in workers), default=0)
    return frozenset(name for name, seen_ms in handlers.items() if seen_ms >= latest_ms - ALIVE_MS)


def _count(desired: Desired | None) -> Counter[str]:
    return (
        Counter(subscription.type for user in desired.users.values() for subscription in user.tasks)
        if desired
        else Counter()
    )


def infeasible(desired: Desired | None, rate: float | None) -> str:
    """Return why the demand of a day does not fit under the limits; empty if it fits or either is unknown."""
    if desired is None or not rate:
        return ""
    verdict = check(desired.demands(), rate, limits=desired.limits, users=desired.user_demands())
    if verdict.fit is not Fit.DOES_NOT_FIT:
        return ""
    return explain(verdict)
