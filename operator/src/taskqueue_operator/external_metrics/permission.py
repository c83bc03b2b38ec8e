"""What a caller may do, which only the API server knows; its answers are remembered for some seconds."""

import time
from http import HTTPMethod

import msgspec

from taskqueue_operator.connection import Connection
from taskqueue_operator.external_metrics.documents import GROUP, METRIC, VERSION
from taskqueue_operator.external_metrics.front_proxy import Caller

_PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_REMEMBERED_S = 10.0
_REMEMBERED_MOST = 1_000


class _Status(msgspec.Struct):
    allowed: bool = False
    denied: bool = False


class _Review(msgspec.Struct):
    status: _Status


class Permission:
    """Of one namespace and the one metric."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._known: dict[Caller, tuple[bool, float]] = {}

    async def may_read(self, caller: Caller) -> bool:
        """Whether the caller may list the metric. Raises any of API_ERRORS."""
        allowed, until_s = self._known.get(caller, (False, 0.0))
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
        said = msgspec.json.decode(await self._connection.call(HTTPMethod.POST, _PATH, review), type=_Review)
        if len(self._known) >= _REMEMBERED_MOST:
            self._known.clear()
        allowed = said.status.allowed and not said.status.denied
        self._known[caller] = allowed, time.monotonic() + _REMEMBERED_S
        return allowed
