"""What status needs to know beyond the objects: from the store, from the scheduler and from the plan."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.plan.feasibility import check
from taskqueue.plan.verdict import Fit
from taskqueue.scheduler.keeper import Keeper
from taskqueue.sources.desired import Desired
from taskqueue.store.connection import Store
from taskqueue.store.listing import WorkerSeen, read_handlers, read_workers
from taskqueue.store.types import read_catalog
from taskqueue_operator import metrics
from taskqueue_operator.conditions import Facts, kept
from taskqueue_operator.objects import Object, ObjectTable

#: A worker that lives has sent a heartbeat within this time, several in fact.
_RUNNING_MS = 30_000


class Gathering:
    """Keeps what is dear to work out as long as it holds: a plan is counted and judged when it or the limit changed."""

    def __init__(self, store: Store, keeper: Keeper, table: ObjectTable) -> None:
        self._store = store
        self._keeper = keeper
        self._table = table
        self._judged: tuple[Desired | None, float | None] = None, None
        self._infeasible = ""
        self._subscriptions = Counter[str]()

    async def facts(self) -> Facts:
        """Raises StoreFailure."""
        catalog = await read_catalog(self._store)
        rate = catalog.rate
        metrics.LIMIT.set(rate or 0)
        metrics.PAUSED.set(len(catalog.paused))
        handlers, workers = await read_handlers(self._store), await read_workers(self._store)
        desired = self._keeper.stored
        if (desired, rate) != self._judged:
            self._infeasible = await asyncio.to_thread(_judge, desired, rate)
            self._subscriptions = await asyncio.to_thread(_count, desired)
            self._judged = desired, rate
        return Facts(
            types=desired.types if desired else {},
            refused_types={
                name: kept(refusal) if name in catalog.records else refusal
                for name, refusal in self._table.refused_types().items()
            },
            duplicates=self._table.duplicates(),
            imported=self._keeper.foreign,
            handlers=running(handlers, workers) if handlers or workers else None,
            paused=catalog.paused,
            limited=bool(rate),
            infeasible=self._infeasible,
            subscriptions=self._subscriptions,
            minute=int(time.time()) // 60,
        )

    def published(self, one: Object, duplicates: Mapping[str, Object]) -> bool:
        """Whether the store has what the object declares; a status before that would promise too much."""
        desired = self._keeper.stored
        if desired is None:
            return False
        if isinstance(one.value, TaskType):
            return desired.types.get(one.name) is one.value
        if isinstance(one.value, UserSubscription) and one.name not in duplicates:
            return desired.users.get(one.value.user_id) is one.value
        return True  # nothing of it is published


def running(handlers: Mapping[str, int], workers: Iterable[WorkerSeen]) -> frozenset[str]:
    """Names of handlers that running workers have; where none runs, those that the last ones had.

    handlers: when a worker said each name last, epoch ms; each says all of its own with every heartbeat.
    """
    latest_ms = max((worker.seen_ms for worker in workers), default=0)
    return frozenset(name for name, said_ms in handlers.items() if said_ms >= latest_ms - _RUNNING_MS)


def _count(desired: Desired | None) -> Counter[str]:
    return (
        Counter(task.type for user in desired.users.values() for task in user.tasks) if desired else Counter()
    )


def _judge(desired: Desired | None, rate: float | None) -> str:
    """Why the plan of a day does not fit under the limit, in a sentence; empty if it does or nothing is known."""
    if desired is None or not rate:
        return ""
    verdict = check(desired.demands(), rate)
    if verdict.fit is not Fit.DOES_NOT_FIT:
        return ""
    worst = verdict.tightest
    behind = ", ".join(name for name, _ in verdict.behind)
    return (
        f"{worst.demand:.0f} starts are due in {worst.end_s - worst.start_s} s, and the limit allows "
        f"{worst.capacity:.0f}; most of them are of {behind}: {verdict.change}"
    )
