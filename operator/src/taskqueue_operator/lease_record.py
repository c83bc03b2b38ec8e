"""A Lease as a value, and its way to the API server and back."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from kubernetes.aio.client import CoordinationV1Api, V1Lease, V1LeaseSpec, V1ObjectMeta
from kubernetes.aio.client.exceptions import ApiException

_TIMEOUT_S = 5.0
_CURSOR = "taskqueue.dev/cursor-ms"


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """holder: empty if nobody holds it. version: its resourceVersion, empty if the object is to be made.

    cursor_ms: the copy of the cursor, epoch ms; None if there never was one.
    """

    holder: str = ""
    transitions: int = 0
    duration_s: int = 0
    acquired: datetime | None = None
    renewed: datetime | None = None
    version: str = ""
    cursor_ms: int | None = None


class LeaseObject:
    """One Lease of one namespace. Both calls raise any of API_ERRORS."""

    def __init__(self, leases: CoordinationV1Api, namespace: str, name: str) -> None:
        self.name = name
        self._leases = leases
        self._namespace = namespace

    async def read(self) -> LeaseRecord:
        """What it says; an empty record if there is none."""
        try:
            found = await self._leases.read_namespaced_lease(
                self.name, self._namespace, _request_timeout=_TIMEOUT_S
            )
        except ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return LeaseRecord()
            raise
        meta, spec = found.metadata or V1ObjectMeta(), found.spec or V1LeaseSpec()
        return LeaseRecord(
            spec.holder_identity or "",
            spec.lease_transitions or 0,
            spec.lease_duration_seconds or 0,
            spec.acquire_time,
            spec.renew_time,
            meta.resource_version or "",
            int((meta.annotations or {}).get(_CURSOR, 0)) or None,
        )

    async def write(self, record: LeaseRecord) -> None:
        """Make or replace it; 409 if somebody else was faster."""
        body = V1Lease(
            metadata=V1ObjectMeta(
                name=self.name,
                resource_version=record.version or None,
                annotations={_CURSOR: str(record.cursor_ms)} if record.cursor_ms else None,
            ),
            spec=V1LeaseSpec(
                holder_identity=record.holder or None,
                lease_transitions=record.transitions,
                lease_duration_seconds=max(1, record.duration_s),
                acquire_time=record.acquired,
                renew_time=record.renewed,
            ),
        )
        if record.version:
            await self._leases.replace_namespaced_lease(
                self.name, self._namespace, body, _request_timeout=_TIMEOUT_S
            )
        else:
            await self._leases.create_namespaced_lease(self._namespace, body, _request_timeout=_TIMEOUT_S)
