"""The operator's calls of the Kubernetes API in one namespace, other than its watches."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial
from http import HTTPMethod
from typing import Any, TypedDict

import msgspec

from taskqueue.models.manifest import API_VERSION
from taskqueue_operator.connection import Connection
from taskqueue_operator.lease_record import LeaseObject, micro_time
from taskqueue_operator.memory_limit import memory_limit
from taskqueue_operator.objects import Kind, Object
from taskqueue_operator.pages import Pages

GROUP, VERSION = API_VERSION.split("/")
#: In the order of lists: limits before the types that name them, and types before the users that name them.
PLURALS: Mapping[Kind, str] = {
    "RateLimit": "ratelimits",
    "TaskType": "tasktypes",
    "UserSubscription": "usersubscriptions",
}
FIELD_MANAGER = "taskqueue-operator"


class _Metadata(TypedDict):
    uid: str


class _Named(TypedDict):
    metadata: _Metadata


class Api:
    """The calls of one namespace. Each raises API_ERRORS."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self.namespace = namespace
        self._connection = connection
        memory = memory_limit()
        self._pages = {kind: Pages(partial(self._ask, kind), memory) for kind in PLURALS}

    async def namespace_uid(self) -> str:
        """Return the UID of the namespace, which no other namespace of any cluster has."""
        answer = await self._connection.call(HTTPMethod.GET, f"/api/v1/namespaces/{self.namespace}")
        return str(msgspec.json.decode(answer, type=_Named)["metadata"]["uid"])

    def lease(self, name: str) -> LeaseObject:
        """Return the Lease of this name, which may not exist yet."""
        return LeaseObject(self._connection, self.namespace, name)

    async def list(self, kind: Kind) -> AsyncIterator[Mapping[str, Any]]:
        """Yield every object of a kind, page by page. A kind without a definition is an ApiError (404)."""
        async for raw in self._pages[kind].objects():
            yield raw

    async def apply_status(self, obj: Object, status: Mapping[str, Any]) -> None:
        """Apply the operator's part of a status (server-side apply); 409 if the object changed after it was read."""
        body = {
            "apiVersion": API_VERSION,
            "kind": obj.kind,
            "metadata": {"name": obj.name, "resourceVersion": obj.version},
            "status": status,
        }
        await self._connection.call(
            HTTPMethod.PATCH,
            f"{self._path(obj.kind)}/{obj.name}/status",
            body,
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            content_type="application/apply-patch+yaml",
        )

    async def create_event(self, about: Object, identity: str, kind: str, reason: str, note: str) -> None:
        """Create an Event about an object.

        identity: of this replica. kind: `Normal` or `Warning`. reason: CamelCase. note: at most 1 KiB.
        """
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"generateName": f"{about.name}-", "namespace": self.namespace},
            "eventTime": micro_time(datetime.now(UTC)),
            "reportingController": f"{GROUP}/operator",
            "reportingInstance": identity,
            "action": "Reconcile",
            "type": kind,
            "reason": reason,
            "note": note,
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": about.kind,
                "name": about.name,
                "namespace": self.namespace,
                "uid": about.uid,
                "resourceVersion": about.version,
            },
        }
        path = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"
        await self._connection.call(HTTPMethod.POST, path, body)

    async def _ask(self, kind: Kind, query: Mapping[str, str], accept: str, max_bytes: int) -> bytes:
        return await self._connection.call(
            HTTPMethod.GET, self._path(kind), query=query, accept=accept, max_bytes=max_bytes
        )

    def _path(self, kind: Kind) -> str:
        return f"/apis/{API_VERSION}/namespaces/{self.namespace}/{PLURALS[kind]}"
