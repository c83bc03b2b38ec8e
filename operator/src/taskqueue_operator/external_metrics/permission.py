"""Permission of a caller, from SubjectAccessReviews; answers are cached for some seconds."""

import time
from http import HTTPMethod

import msgspec

from taskqueue_operator.connection import Connection
from taskqueue_operator.external_metrics.documents import GROUP, METRIC, VERSION
from taskqueue_operator.external_metrics.front_proxy import Caller

_PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_CACHED_S = 10.0
_MAX_CACHED = 1_000


class _Status(msgspec.Struct):
    allowed: bool = False
    denied: bool = False


class _Review(msgspec.Struct):
    status: _Status


class Permission:
    """Permission to read the metric in one namespace."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._cached: dict[Caller, tuple[bool, float]] = {}

    async def may_read(self, caller: Caller) -> bool:
        """Tell whether the caller may list the metric. Raises API_ERRORS."""
        allowed, until_s = self._cached.get(caller, (False, 0.0))
        if time.monotonic() < until_s:
            return allowed
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": caller.user,
                "groups": caller.groups,
                "extra": dict(caller.extra),
                "resourceAttributes": {
                    "namespace": self._namespace,
                    "verb": "list",
                    "group": GROUP,
                    "version": VERSION,
                    "resource": METRIC,
                },
            },
        }
        answer = await self._connection.call(HTTPMethod.POST, _PATH, review)
        status = msgspec.json.decode(answer, type=_Review).status
        if len(self._cached) >= _MAX_CACHED:
            self._cached.clear()
        allowed = status.allowed and not status.denied
        self._cached[caller] = allowed, time.monotonic() + _CACHED_S
        return allowed
