"""Kubernetes Events: a condition of a task type became False, or is True again; the circuit breaker stopped a user.

Events complement the conditions in `kubectl describe` and are sent once: a failed one is not repeated. Of many at one
time (a lowered limit may make every type infeasible, an edit may break a thousand users) only the first are sent; the
conditions are complete.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import structlog

from taskqueue_operator import metrics
from taskqueue_operator.connection import API_ERRORS, describe_error
from taskqueue_operator.objects import Kind, Object

log = structlog.get_logger("taskqueue.operator")

#: The status that is a fault, by condition. Not Ready, which repeats the other conditions. A user's manifest is left to
#: its conditions.
_FAULTS: Mapping[Kind, Mapping[str, str]] = {
    "TaskType": dict.fromkeys(("Accepted", "Feasible", "HandlerRegistered", "ResolvedRefs"), "False"),
    "UserSubscription": {"SuspendedByBreaker": "True"},
}
_MAX_EVENTS, _WITHIN_S = 10, 60.0


class EventApi(Protocol):
    """The call that creates Events."""

    async def create_event(self, about: Object, identity: str, kind: str, reason: str, note: str) -> None:
        """Create an Event about an object. Raises API_ERRORS."""


class Events:
    """Sends at most 10 events a minute about each kind. identity: of this replica."""

    def __init__(self, api: EventApi, identity: str) -> None:
        self._api = api
        self._identity = identity
        self._sent_s = defaultdict[Kind, deque[float]](deque)

    async def send(self, obj: Object, status: Mapping[str, Any]) -> None:
        """Send an event for each condition that a new status changes. obj: with its former status."""
        for condition in changes(obj, status):
            if not self._is_allowed(obj.kind):
                metrics.EVENTS.labels("dropped").inc()
                continue
            is_fault = condition["status"] == _FAULTS[obj.kind][condition["type"]]
            kind = "Warning" if is_fault else "Normal"
            note = condition["message"] or f"{condition['type']} is {condition['status']} again"
            try:
                await self._api.create_event(obj, self._identity, kind, condition["reason"], note)
                metrics.EVENTS.labels("sent").inc()
            except API_ERRORS as error:
                metrics.EVENTS.labels("failed").inc()
                log.warning("event not sent", kind=obj.kind, name=obj.name, error=describe_error(error))

    def _is_allowed(self, kind: Kind) -> bool:
        now_s, sent_s = asyncio.get_running_loop().time(), self._sent_s[kind]
        while sent_s and sent_s[0] <= now_s - _WITHIN_S:
            sent_s.popleft()
        if len(sent_s) == _MAX_EVENTS:
            return False
        sent_s.append(now_s)
        return True


def changes(obj: Object, status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the conditions that became a fault, or were one before."""
    faults = _FAULTS.get(obj.kind, {})
    before = {had["type"]: had["status"] for had in obj.status.get("conditions", ())}
    for condition in status["conditions"]:
        was, fault = before.get(condition["type"]), faults.get(condition["type"])
        if fault and was != condition["status"] and fault in {was, condition["status"]}:
            yield condition
