"""The writer of statuses: paced, types, limits and edited objects first, and idle while every status is current."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol

import structlog

from taskqueue.store.cancelled import raise_if_cancelled
from taskqueue.store.errors import StoreFailure
from taskqueue.store.fence import Fence
from taskqueue_operator import metrics
from taskqueue_operator.connection import API_ERRORS, ApiError, describe_error
from taskqueue_operator.events import Events
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import Key, Kind, Object
from taskqueue_operator.status import agrees, status_of
from taskqueue_operator.status_inputs import StatusInputs

log = structlog.get_logger("taskqueue.operator")

#: Limits the load on the API server, which serves the whole cluster.
_WRITES_PER_S = 50.0
#: In one round of about a second: objects that are edited during a round come first in the next.
_MAX_WRITES = 50
#: Of few objects, each of which describes all users. They come first.
_SHARED: frozenset[Kind] = frozenset({"RateLimit", "TaskType"})
#: Of the writes of a round, for types and limits. Types may change with every publish (`subscriptions`); users get the
#: rest.
_MAX_SHARED_WRITES = 25
#: The object changed or was deleted. The same write would fail again.
_STALE = {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}
#: The status itself is invalid.
_REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_COMPARED_AT_ONCE = 200
#: All statuses are compared at this interval, because handlers and feasibility change without an object.
_ROUND_S = 1.0
#: Maximum rounds in a row that write only types and limits, while edits arrive faster than their statuses could be
#: written. Types show the progress of the edits.
_MAX_YIELDS = 20


class StatusApi(Protocol):
    """The call that writes a status."""

    async def apply_status(self, obj: Object, status: Mapping[str, Any]) -> None:
        """Apply a status to the version of the object that was read. Raises API_ERRORS."""


class Leadership(Protocol):
    """The right of this replica to write."""

    @property
    def leads(self) -> bool: ...

    async def wait_to_lead(self) -> Fence:
        """Wait until this replica leads."""


class Inputs(Protocol):
    """The inputs of statuses, and the progress of publishing."""

    async def read(self) -> StatusInputs:
        """Return the current inputs. Raises StoreFailure."""

    def is_published(self, obj: Object, duplicates: Mapping[str, Object]) -> bool:
        """Tell whether the store has the declaration of an object."""


class StatusWriter:
    """Compares all objects in each round, and writes the statuses that differ while this replica leads."""

    def __init__(
        self, api: StatusApi, leader: Leadership, table: ObjectTable, inputs: Inputs, events: Events
    ) -> None:
        self._api = api
        self._leader = leader
        self._table = table
        self._inputs = inputs
        self._events = events
        self._last: StatusInputs | None = None
        self._done: dict[Key, Object] = {}  # current until the object or the inputs change
        self._failed: dict[Key, Object] = {}  # tried last: the fault may concern a single object
        self._free_s = 0.0  # earliest time of the next write
        self._news = 0
        self._yields = 0

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            raise_if_cancelled()
            await self._leader.wait_to_lead()
            flooded, more = self._flooded(), False
            try:
                more = await self._round(only_shared=flooded)
            except (*API_ERRORS, StoreFailure) as error:
                log.warning("status not written", error=describe_error(error))
            if flooded or not more:
                await asyncio.sleep(_ROUND_S)

    def _flooded(self) -> bool:
        """Tell whether more objects were edited since the last round than a round writes."""
        came, self._news = self._table.news - self._news, self._table.news
        self._yields = self._yields + 1 if came > _MAX_WRITES and self._yields < _MAX_YIELDS else 0
        return self._yields > 0

    async def _round(self, *, only_shared: bool) -> bool:
        """Write the first statuses that differ; True if more are left."""
        inputs = await self._inputs.read()
        self._forget_outdated(inputs)
        waiting = sorted(self._waiting(inputs, only_shared=only_shared), key=self._turn)
        written, shared_left = Counter[bool](), 0
        for number, obj in enumerate(waiting):
            if number % _COMPARED_AT_ONCE == 0:
                await asyncio.sleep(0)  # the ticker shares this loop
            wanted = status_of(obj, inputs, datetime.now(UTC))
            if agrees(obj.status, wanted):
                self._done[obj.key] = obj
                continue
            shared = obj.kind in _SHARED
            if shared and written[shared] == _MAX_SHARED_WRITES:
                shared_left += 1
                continue
            if written.total() == _MAX_WRITES:
                metrics.STATUS_PENDING.set(shared_left + len(waiting) - number)
                return True
            await self._pace()
            if not self._leader.leads:
                return False
            if self._table.objects.get(obj.key) is obj:  # a changed object waits for the next round
                await self._write(obj, wanted)
            written[shared] += 1
        if not only_shared:
            metrics.STATUS_PENDING.set(shared_left)
        return shared_left > 0

    def _forget_outdated(self, inputs: StatusInputs) -> None:
        """Forget that statuses are current which the new inputs may change."""
        last, self._last = self._last, inputs
        if last is None or inputs != last:
            self._done = {}
        elif inputs.stopped is not last.stopped:
            now, before = inputs.stopped, last.stopped
            self._done = {key: obj for key, obj in self._done.items() if now.of(obj) == before.of(obj)}

    def _waiting(self, inputs: StatusInputs, *, only_shared: bool) -> Iterator[Object]:
        """Yield the published objects that changed since they were last compared."""
        for key, obj in self._table.objects.items():
            if only_shared and obj.kind not in _SHARED:
                continue
            if self._done.get(key) is not obj and self._inputs.is_published(obj, inputs.duplicates):
                yield obj

    async def _write(self, obj: Object, wanted: dict[str, Any]) -> None:
        """Write one status, without a retry: the watch delivers the result and any newer version. Raises API_ERRORS."""
        self._failed[obj.key] = obj  # removed after a success
        try:
            await self._api.apply_status(obj, wanted)
            metrics.STATUS_WRITES.labels("written").inc()
            await self._events.send(obj, wanted)
        except ApiError as error:
            if error.status in _STALE:
                metrics.STATUS_WRITES.labels("stale").inc()
            elif error.status in _REFUSED:
                metrics.STATUS_WRITES.labels("refused").inc()
                log.warning("status refused", kind=obj.kind, name=obj.name, error=describe_error(error))
            else:
                raise
        del self._failed[obj.key]
        self._done[obj.key] = obj

    async def _pace(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s < self._free_s:
            await asyncio.sleep(self._free_s - now_s)
        self._free_s = max(now_s, self._free_s) + 1 / _WRITES_PER_S

    def _turn(self, obj: Object) -> tuple[bool, bool, bool, int]:
        """Order the writes: types and limits, edited objects, other objects; one whose last write failed comes last.

        The latest edit comes first, because its author waits
        for it. Other objects go by age, so that types which change with every publish take turns.
        """
        failed, version = self._failed.get(obj.key) is obj, int(obj.version)
        edited = obj.status.get("observedGeneration") != obj.generation
        return failed, obj.kind not in _SHARED, not edited, -version if edited else version
