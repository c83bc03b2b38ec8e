"""The record of a Lease as a value, read from and written to the API server."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPMethod, HTTPStatus
from typing import Annotated, Any, NotRequired, Protocol, TypedDict

import msgspec

from taskqueue.models.nesting import cut
from taskqueue.scheduler.floors import CursorCopy, Floors
from taskqueue_operator.connection import ApiError

_TIMEOUT_S = 5.0
_CURSOR = "taskqueue.dev/cursor-ms"
_FLOORS = "taskqueue.dev/cursor-floors"
#: Epoch ms, before the year 5000.
_Instant = Annotated[int, msgspec.Meta(gt=0, lt=100_000_000_000_000)]


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """State of a Lease. holder: empty if it is free. transitions: the epoch of its holder.

    version: resourceVersion, empty if the object does not exist. copy: of the cursor; None if there never was one.
    """

    holder: str = ""
    transitions: int = 0
    duration_s: int = 0
    acquired: datetime | None = None
    renewed: datetime | None = None
    version: str = ""
    copy: CursorCopy | None = None


class Caller(Protocol):
    """A connection to the API server."""

    async def call(
        self, method: HTTPMethod, path: str, body: Mapping[str, Any] | None = None, *, timeout_s: float
    ) -> bytes:
        """Return the content of a successful answer. Raises API_ERRORS."""


class LeaseObject:
    """One Lease of one namespace. Both calls raise API_ERRORS."""

    def __init__(self, connection: Caller, namespace: str, name: str) -> None:
        self.name = name
        self._connection = connection
        self._all = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    async def read(self) -> LeaseRecord:
        """Return the record; an empty one if the object does not exist."""
        try:
            found = await self._call(HTTPMethod.GET, f"{self._all}/{self.name}")
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return LeaseRecord()
            raise
        return _read(msgspec.json.decode(found, type=_Raw))

    async def write(self, record: LeaseRecord) -> None:
        """Create or replace the object; 409 if it changed after it was read."""
        if record.version:
            await self._call(HTTPMethod.PUT, f"{self._all}/{self.name}", _body(self.name, record))
        else:
            await self._call(HTTPMethod.POST, self._all, _body(self.name, record))

    async def _call(self, method: HTTPMethod, path: str, body: Mapping[str, Any] | None = None) -> bytes:
        return await self._connection.call(method, path, body, timeout_s=_TIMEOUT_S)


def micro_time(instant: datetime) -> str:
    """Format a time in UTC as MicroTime of Kubernetes, which requires a fraction."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class _Raw(TypedDict):
    metadata: dict[str, Any]
    spec: NotRequired[dict[str, Any]]


def _read(raw: _Raw) -> LeaseRecord:
    meta, spec = raw["metadata"], raw.get("spec", {})
    return LeaseRecord(
        spec.get("holderIdentity", ""),
        spec.get("leaseTransitions", 0),
        spec.get("leaseDurationSeconds", 0),
        _time(spec.get("acquireTime")),
        _time(spec.get("renewTime")),
        meta["resourceVersion"],
        _copy(meta.get("annotations") or {}),
    )


def _body(name: str, record: LeaseRecord) -> dict[str, Any]:
    meta = {
        "name": name,
        "resourceVersion": record.version,
        "annotations": _annotations(record.copy) if record.copy else {},
    }
    spec = {
        "holderIdentity": record.holder,
        "leaseTransitions": record.transitions,
        "leaseDurationSeconds": max(1, record.duration_s),
        "acquireTime": record.acquired and micro_time(record.acquired),
        "renewTime": record.renewed and micro_time(record.renewed),
    }
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {field: value for field, value in meta.items() if value},
        "spec": {field: value for field, value in spec.items() if value is not None and value != ""},
    }


def _annotations(copy: CursorCopy) -> dict[str, str]:
    cursor = {_CURSOR: str(copy.cursor_ms)}
    return cursor | {_FLOORS: msgspec.json.encode(copy.floors).decode()} if copy.floors else cursor


def _copy(annotations: Mapping[str, str]) -> CursorCopy | None:
    """Read the copy of the cursor from annotations; None if they are malformed."""
    try:
        cursor_ms = msgspec.json.decode(cut(annotations.get(_CURSOR, "").encode()), type=_Instant)
    except ValueError:
        return None
    try:
        floors = msgspec.json.decode(cut(annotations.get(_FLOORS, "null").encode()), type=Floors | None)
    except ValueError:
        floors = None
    if floors and min(floors.seen_ms, *floors.by_type.values(), cursor_ms) < 0:
        floors = None
    return CursorCopy(cursor_ms, floors)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
