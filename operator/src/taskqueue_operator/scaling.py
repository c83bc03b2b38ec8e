"""The figures for an autoscaler, read from the store on request and at most once a second; /scaling and /metrics."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from taskqueue.plan.capacity import Capacity, capacity
from taskqueue.process.health import Page
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure, StoreUnavailable
from taskqueue.store.limit_backlog import LimitBacklog, read_limit_backlogs
from taskqueue.store.work import Work, read_work

_FRESH_S = 1.0
#: A hanging store must not delay the other metrics.
_READ_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The work in the store and the capacity that it needs. limits: the backlog of each Release limit.

    at_s: monotonic clock.
    """

    work: Work
    capacity: Capacity
    limits: Mapping[str, LimitBacklog] = field(default_factory=dict)
    at_s: float = field(default_factory=time.monotonic)

    @property
    def age_s(self) -> float:
        return time.monotonic() - self.at_s


class Scaling:
    """Reads the figures. concurrency: slots of one worker. drain_s: target time within which due jobs end."""

    def __init__(self, store: Store, concurrency: int, drain_s: float) -> None:
        self._store = store
        self._concurrency = concurrency
        self._drain_s = drain_s
        self._one_at_a_time = asyncio.Lock()
        self.last: Reading | None = None

    async def read(self) -> Reading:
        """Return a reading of this second. Raises StoreFailure."""
        try:
            async with asyncio.timeout(_READ_TIMEOUT_S), self._one_at_a_time:
                if self.last is None or self.last.age_s > _FRESH_S:
                    self.last = None
                    work = await read_work(self._store)
                    asked = capacity(work.loads, work.limits, self._concurrency, self._drain_s)
                    self.last = Reading(work, asked, await read_limit_backlogs(self._store))
                return self.last
        except TimeoutError as error:
            raise StoreUnavailable(f"no answer within {_READ_TIMEOUT_S:.0f} s") from error

    def pages(self) -> Mapping[str, Page]:
        return {"/scaling": self._scaling, "/metrics": self._metrics}

    async def _scaling(self) -> tuple[int, str, bytes]:
        try:
            asked = (await self.read()).capacity
        except StoreFailure as error:
            return 503, "text/plain; charset=utf-8", f"{error}\n".encode()
        body = {
            "workSeconds": asked.work_s,
            "uncappedWorkSeconds": asked.uncapped_work_s,
            "usefulReplicas": asked.useful_replicas,
        }
        return 200, "application/json", msgspec.json.encode(body)

    async def _metrics(self) -> tuple[int, str, bytes]:
        with contextlib.suppress(StoreFailure):  # the metrics of the store are missing then
            await self.read()
        return 200, CONTENT_TYPE_LATEST, generate_latest(REGISTRY)
