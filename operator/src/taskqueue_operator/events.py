"""Kubernetes Events of a task type: a condition became False, or is True again.

Events complement the conditions in `kubectl describe` and are sent once: a failed one is not repeated. Of many at one
time (a lowered limit may make every type infeasible) only the first are sent; the conditions are complete.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import structlog

from taskqueue_operator import metrics
from taskqueue_operator.connection import API_ERRORS, describe_error
from taskqueue_operator.objects import Object

log = structlog.get_logger("taskqueue.operator")

#: Not Ready, which repeats the other conditions, and not Suspended, which is an edit of the manifest.
_REPORTED = frozenset({"Accepted", "Feasible", "HandlerRegistered", "ResolvedRefs"})
_MAX_EVENTS, _WITHIN_S = 10, 60.0


class EventApi(Protocol):
    """The call that creates Events."""

    async def create_event(self, about: Object, identity: str, kind: str, reason: str, note: str) -> None:
        """Create an Event about an object. Raises API_ERRORS."""


class Events:
    """Sends at most 10 events a minute. identity: of this replica."""

    def __init__(self, api: EventApi, identity: str) -> None:
        self._api = api
        self._identity = identity
        self._sent_s = deque[float]()

    async def send(self, obj: Object, status: Mapping[str, Any]) -> None:
        """Send an event for each condition that a new status changes. obj: with its former status."""
        for condition in changes(obj, status):
            if not self._is_allowed():
                metrics.EVENTS.labels("dropped").inc()
                continue
            kind = "Warning" if condition["status"] == "False" else "Normal"
            note = condition["message"] or f"{condition['type']} is {condition['status']} again"
            try:
                await self._api.create_event(obj, self._identity, kind, condition["reason"], note)
                metrics.EVENTS.labels("sent").inc()
            except API_ERRORS as error:
                metrics.EVENTS.labels("failed").inc()
                log.warning("event not sent", kind=obj.kind, name=obj.name, error=describe_error(error))

    def _is_allowed(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        while self._sent_s and self._sent_s[0] <= now_s - _WITHIN_S:
            self._sent_s.popleft()
        if len(self._sent_s) == _MAX_EVENTS:
            return False
        self._sent_s.append(now_s)
        return True


def changes(obj: Object, status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the conditions of a task type that became False, or were False before."""
    if obj.kind != "TaskType":
        return
    before = {had["type"]: had["status"] for had in obj.status.get("conditions", ())}
    for condition in status["conditions"]:
        was = before.get(condition["type"])
        if (
            condition["type"] in _REPORTED
            and was != condition["status"]
            and "False" in {was, condition["status"]}
        ):
            yield condition
