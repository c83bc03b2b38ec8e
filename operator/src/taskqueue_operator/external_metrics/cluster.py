"""The Secret and the APIService, as the few calls that keep them right. Each raises any of API_ERRORS."""

import base64
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus

import msgspec
from kubernetes.aio.client.exceptions import ApiException

from taskqueue_operator.connection import Connection
from taskqueue_operator.external_metrics.certificates import Pair
from taskqueue_operator.external_metrics.documents import GROUP, VERSION

API_SERVICE = f"{VERSION}.{GROUP}"
_API_SERVICE_PATH = f"/apis/apiregistration.k8s.io/v1/apiservices/{API_SERVICE}"
_MERGE = "application/merge-patch+json"


class _Metadata(msgspec.Struct):
    resourceVersion: str  # noqa: N815 - as Kubernetes writes it


class _Secret(msgspec.Struct):
    metadata: _Metadata
    data: dict[str, bytes] = {}


class _Service(msgspec.Struct):
    name: str = ""
    namespace: str = ""


class _Spec(msgspec.Struct):
    service: _Service | None = None
    caBundle: bytes = b""  # noqa: N815 - as Kubernetes writes it


class _ApiService(msgspec.Struct):
    spec: _Spec


@dataclass(frozen=True, slots=True)
class StoredPair:
    """A pair as the Secret has it, at a version of the Secret."""

    pair: Pair
    version: str


class PairSecret:
    """The one Secret of this name."""

    def __init__(self, connection: Connection, namespace: str, name: str) -> None:
        self._connection = connection
        self._secrets = f"/api/v1/namespaces/{namespace}/secrets"
        self._name = name

    async def read(self) -> StoredPair | None:
        """Return what is in it, which may be anything, or None where there is none."""
        try:
            found = await self._connection.call(HTTPMethod.GET, f"{self._secrets}/{self._name}")
        except ApiException as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        secret = msgspec.json.decode(found, type=_Secret)
        pair = Pair(*(secret.data.get(name, b"") for name in ("tls.crt", "tls.key", "ca.crt")))
        return StoredPair(pair, secret.metadata.resourceVersion)

    async def write(self, pair: Pair, version: str | None) -> bool:
        """Create it, or replace what it had at this version; False if another replica was first."""
        metadata: dict[str, object] = {"resourceVersion": version}
        method, path, kind = HTTPMethod.PATCH, f"{self._secrets}/{self._name}", _MERGE
        if version is None:
            labels = {"app.kubernetes.io/managed-by": "taskqueue-operator"}
            metadata = {"name": self._name, "labels": labels}
            method, path, kind = HTTPMethod.POST, self._secrets, "application/json"
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": metadata,
            "data": {
                "tls.crt": _text(pair.certificate),
                "tls.key": _text(pair.key),
                "ca.crt": _text(pair.authorities),
            },
        }
        try:
            await self._connection.call(method, path, body, content_type=kind)
        except ApiException as error:
            if error.status == HTTPStatus.CONFLICT:
                return False
            raise
        return True


class ForeignApiServiceError(Exception):
    """The APIService is another's: one release of a cluster can serve external metrics itself."""


async def publish_authorities(connection: Connection, service: str, namespace: str, pem: bytes) -> bool:
    """Make the APIService trust these authorities; True if it did already. Raises ForeignApiServiceError."""
    found = await connection.call(HTTPMethod.GET, _API_SERVICE_PATH)
    spec = msgspec.json.decode(found, type=_ApiService).spec
    if spec.service != _Service(service, namespace):
        there = f"{spec.service.namespace}/{spec.service.name}" if spec.service else "the API server itself"
        raise ForeignApiServiceError(f"{API_SERVICE} is served by {there}, not {namespace}/{service}")
    if spec.caBundle == pem:
        return True
    body = {"spec": {"caBundle": _text(pem)}}
    await connection.call(HTTPMethod.PATCH, _API_SERVICE_PATH, body, content_type=_MERGE)
    return False


def _text(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
