"""The circuit breaker's suspensions: schedules follow them, logs and metrics tell of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import structlog

from taskqueue.models.values import TaskType
from taskqueue.process.progress import Progress
from taskqueue.scheduler import metrics
from taskqueue.store.connection import Store
from taskqueue.store.suspended import Event, EventName, count_suspended, follow_suspended

log = structlog.get_logger()

_EVENTS: Mapping[EventName, str] = {
    "suspended": "circuit breaker suspended subscriptions",
    "trial": "circuit breaker lets one job of each subscription through",
    "resumed": "circuit breaker resumed subscriptions",
}
#: Users named in one line of the log.
_MOST_USERS = 10


class Suspensions:
    """The suspensions of one store. progress: of the loop that publishes."""

    def __init__(self, store: Store, progress: Progress) -> None:
        self._store = store
        self._progress = progress
        self._counted = frozenset[str]()

    async def follow(self, types: Iterable[TaskType]) -> None:
        """Write down what the circuit breaker decided since the last call. types: all of the store."""
        more = True
        while more:
            events, more = await follow_suspended(self._store)
            _report(events)
            self._progress.step()
        counts = await count_suspended(self._store, [one.name for one in types if one.suspend_after])
        for name, number in counts.items():
            metrics.SUSPENDED.labels(name).set(number)
        for name in self._counted - counts.keys():
            metrics.SUSPENDED.remove(name)
        self._counted = frozenset(counts)


def _report(events: Iterable[Event]) -> None:
    users = defaultdict[tuple[EventName, str], list[str]](list)
    for event in events:
        users[event.name, event.type].append(event.user)
    for (name, task_type), of_type in users.items():
        log.warning(_EVENTS[name], type=task_type, users=of_type[:_MOST_USERS], count=len(of_type))
        if name == "suspended":
            metrics.SUSPENSIONS.labels(task_type).inc(len(of_type))
