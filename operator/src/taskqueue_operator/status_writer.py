"""Writes status where it differs from what it should be: paced, types and edits first, nothing in steady state."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import structlog

from taskqueue.store.cancelled import raise_if_cancelled
from taskqueue.store.errors import StoreFailure
from taskqueue_operator import metrics
from taskqueue_operator.api import Api
from taskqueue_operator.conditions import Facts
from taskqueue_operator.connection import API_ERRORS, ApiError, describe_error
from taskqueue_operator.events import Events
from taskqueue_operator.gathering import Gathering
from taskqueue_operator.leader import Leader
from taskqueue_operator.objects import Key, Kind, Object, ObjectTable
from taskqueue_operator.status import agrees, status_of

log = structlog.get_logger("taskqueue.operator")

#: Writes a second; the API server is everybody's.
_WRITES_PER_S = 50.0
#: Of one round, a second: what is edited meanwhile comes first in the next one.
_WRITES_MOST = 50
#: Of these to types, which come first and may differ after every publish (`subscriptions`): the rest is the users'.
_TYPES_MOST = 25
#: The object changed or went; or the status itself is wrong. To write the same again is of no use.
_STALE = {HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND}
_REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_COMPARED_AT_ONCE = 200
#: Everything is compared again this often, for what changes without an object: handlers, feasibility.
_ROUND_S = 1.0
#: Edits that come faster than their statuses could be written leave the API server to whoever edits; not for longer.
#: Types are written meanwhile: they are few, and say how far the edits got.
_YIELDS_MOST = 20


class StatusWriter:
    """Level-triggered: compares all objects each round. Only the leader writes."""

    def __init__(
        self, api: Api, leader: Leader, table: ObjectTable, gathering: Gathering, events: Events
    ) -> None:
        self._api = api
        self._leader = leader
        self._table = table
        self._gathering = gathering
        self._events = events
        self._facts: Facts | None = None
        self._done: dict[Key, Object] = {}  # nothing is to be written until they change, or these facts do
        self._failed: dict[Key, Object] = {}  # the others first: what is wrong may be theirs alone
        self._free_s = 0.0  # when the next write may begin
        self._news = 0
        self._yields = 0

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            raise_if_cancelled()
            await self._leader.leading()
            flooded, more = self._flooded(), False
            try:
                more = await self._round(only_types=flooded)
            except (*API_ERRORS, StoreFailure) as error:
                log.warning("status not written; trying again", error=describe_error(error))
            if flooded or not more:
                await asyncio.sleep(_ROUND_S)

    def _flooded(self) -> bool:
        """Whether more was edited since the last look than a round writes."""
        came, self._news = self._table.news - self._news, self._table.news
        self._yields = self._yields + 1 if came > _WRITES_MOST and self._yields < _YIELDS_MOST else 0
        return self._yields > 0

    async def _round(self, *, only_types: bool) -> bool:
        """Write what differs, but not all of it at once; whether there is more."""
        facts = await self._gathering.facts()
        if facts != self._facts:
            self._facts, self._done = facts, {}
        waiting = sorted(self._waiting(facts, only_types=only_types), key=self._turn)
        written, types_left = Counter[Kind](), 0
        for number, one in enumerate(waiting):
            if number % _COMPARED_AT_ONCE == 0:
                await asyncio.sleep(0)  # the ticker shares this loop
            wanted = status_of(one, facts, datetime.now(UTC))
            if agrees(one.status, wanted):
                self._done[one.key] = one
                continue
            if one.kind == "TaskType" and written["TaskType"] == _TYPES_MOST:
                types_left += 1
                continue
            if written.total() == _WRITES_MOST:
                metrics.STATUS_PENDING.set(types_left + len(waiting) - number)
                return True
            await self._pace()
            if not self._leader.leads:
                return False
            if self._table.objects.get(one.key) is one:  # else it changed meanwhile: next round
                await self._write(one, wanted)
            written[one.kind] += 1
        if not only_types:
            metrics.STATUS_PENDING.set(types_left)
        return types_left > 0

    def _waiting(self, facts: Facts, *, only_types: bool) -> Iterator[Object]:
        """What changed since it was looked at last, as far as the store has it."""
        for key, one in self._table.objects.items():
            if only_types and one.kind != "TaskType":
                continue
            if self._done.get(key) is not one and self._gathering.published(one, facts.duplicates):
                yield one

    async def _write(self, one: Object, wanted: dict[str, Any]) -> None:
        """Write once: what comes of it, and what is newer, the watch brings. Raises any of API_ERRORS."""
        self._failed[one.key] = one  # unless it goes well
        try:
            await self._api.apply_status(one, wanted)
            metrics.STATUS_WRITES.labels("written").inc()
            await self._events.send(one, wanted)
        except ApiError as error:
            if error.status in _STALE:
                metrics.STATUS_WRITES.labels("stale").inc()
            elif error.status in _REFUSED:
                metrics.STATUS_WRITES.labels("refused").inc()
                log.warning("a status is refused", kind=one.kind, name=one.name, error=describe_error(error))
            else:
                raise
        del self._failed[one.key]
        self._done[one.key] = one

    async def _pace(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s < self._free_s:
            await asyncio.sleep(self._free_s - now_s)
        self._free_s = max(now_s, self._free_s) + 1 / _WRITES_PER_S

    def _turn(self, one: Object) -> tuple[bool, bool, bool, int]:
        """Types first, as few objects say what all others do; then edited objects, and last what failed as it is.

        Of edited objects the latest: somebody waits for it. Of all others the one that has waited longest, so that
        types which differ after every publish take turns.
        """
        failed, version = self._failed.get(one.key) is one, int(one.version)
        edited = one.status.get("observedGeneration") != one.generation
        return failed, one.kind != "TaskType", not edited, -version if edited else version
