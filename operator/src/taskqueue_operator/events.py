"""The few events that matter, beside the conditions in `kubectl describe`: when a task type is not right, or is again.

An event is told once and waited for by nobody: one that fails is not told again. Of many at once (a limit that no plan
fits under any more concerns every type) only the first are told; the conditions say all of it.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import structlog

from taskqueue_operator import metrics
from taskqueue_operator.api import Api
from taskqueue_operator.connection import API_ERRORS, describe_error
from taskqueue_operator.objects import Object

log = structlog.get_logger("taskqueue.operator")

#: Ready only repeats the others, and who suspends a type knows.
_TOLD = frozenset({"Accepted", "Feasible", "HandlerRegistered"})
_MOST, _WITHIN_S = 10, 60.0


class Events:
    """Tells at most 10 a minute."""

    def __init__(self, api: Api, identity: str) -> None:
        self._api = api
        self._identity = identity
        self._told_s = deque[float]()

    async def tell(self, one: Object, status: Mapping[str, Any]) -> None:
        """Tell what is news in the status that was just written, compared with the one before it."""
        for condition in news(one, status):
            if not self._may():
                metrics.EVENTS.labels("dropped").inc()
                continue
            kind = "Warning" if condition["status"] == "False" else "Normal"
            note = condition["message"] or f"{condition['type']} is {condition['status']} again"
            try:
                await self._api.create_event(one, self._identity, kind, condition["reason"], note)
                metrics.EVENTS.labels("told").inc()
            except API_ERRORS as error:
                metrics.EVENTS.labels("failed").inc()
                log.warning(
                    "an event was not told", kind=one.kind, name=one.name, error=describe_error(error)
                )

    def _may(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        while self._told_s and self._told_s[0] <= now_s - _WITHIN_S:
            self._told_s.popleft()
        if len(self._told_s) == _MOST:
            return False
        self._told_s.append(now_s)
        return True


def news(one: Object, status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Conditions of a task type that became False, or had been."""
    if one.kind != "TaskType":
        return
    before = {had["type"]: had["status"] for had in one.status.get("conditions", ())}
    for condition in status["conditions"]:
        was = before.get(condition["type"])
        if (
            condition["type"] in _TOLD
            and was != condition["status"]
            and "False" in {was, condition["status"]}
        ):
            yield condition
