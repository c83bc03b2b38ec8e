"""The Secret and the APIService, as the few calls that keep them right. Each raises any of API_ERRORS."""

import base64
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus

import msgspec

from taskqueue_operator.connection import ApiError, Connection
from taskqueue_operator.external_metrics.certificates import Pair
from taskqueue_operator.external_metrics.documents import GROUP, VERSION

API_SERVICE = f"{VERSION}.{GROUP}"
_API_SERVICE_PATH = f"/apis/apiregistration.k8s.io/v1/apiservices/{API_SERVICE}"
_MERGE = "application/merge-patch+json"


class _Metadata(msgspec.Struct):
    resourceVersion: str  # noqa: N815 - as Kubernetes writes it


class _Secret(msgspec.Struct):
    metadata: _Metadata
    data: dict[str, bytes] | None = None


class _Service(msgspec.Struct):
    name: str = ""
    namespace: str = ""


class _Spec(msgspec.Struct):
    service: _Service | None = None
    caBundle: bytes = b""  # noqa: N815 - as Kubernetes writes it


class _Uid(msgspec.Struct):
    uid: str = ""


class _ApiService(msgspec.Struct):
    spec: _Spec
    metadata: _Uid = msgspec.field(default_factory=_Uid)


@dataclass(frozen=True, slots=True)
class StoredPair:
    """A pair as the Secret has it, at a version of the Secret."""

    pair: Pair
    version: str


class NoSecretError(Exception):
    """The Secret is not there. The chart makes it, empty, as does external-metrics-role.yaml: the operator may not."""


class PairSecret:
    """The one Secret of this name."""

    def __init__(self, connection: Connection, namespace: str, name: str) -> None:
        self._connection = connection
        self._path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        self._shown = f"{namespace}/{name}"

    async def read(self) -> StoredPair:
        """Return what is in it, which may be anything or nothing. Raises NoSecretError and any of API_ERRORS."""
        try:
            found = await self._connection.call(HTTPMethod.GET, self._path)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise NoSecretError(f"the Secret {self._shown} must be there, empty") from error
            raise
        secret = msgspec.json.decode(found, type=_Secret)
        data = secret.data or {}
        pair = Pair(*(data.get(name, b"") for name in ("tls.crt", "tls.key", "ca.crt")))
        return StoredPair(pair, secret.metadata.resourceVersion)

    async def write(self, pair: Pair, version: str) -> bool:
        """Replace what it had at this version; False if another replica was first."""
        body = {
            "metadata": {"resourceVersion": version},
            "data": {
                "tls.crt": _text(pair.certificate),
                "tls.key": _text(pair.key),
                "ca.crt": _text(pair.authorities),
            },
        }
        try:
            await self._connection.call(HTTPMethod.PATCH, self._path, body, content_type=_MERGE)
        except ApiError as error:
            if error.status == HTTPStatus.CONFLICT:
                return False
            raise
        return True


class ForeignApiServiceError(Exception):
    """The APIService is another's: one release of a cluster can serve external metrics itself."""


async def publish_authorities(connection: Connection, service: str, namespace: str, pem: bytes) -> bool:
    """Make the APIService trust these authorities; True if it did already. Raises ForeignApiServiceError."""
    spec = (await _read_own(connection, service, namespace)).spec
    if spec.caBundle == pem:
        return True
    body = {"spec": {"caBundle": _text(pem)}}
    await connection.call(HTTPMethod.PATCH, _API_SERVICE_PATH, body, content_type=_MERGE)
    return False


async def remove_api_service(connection: Connection, service: str, namespace: str) -> None:
    """Delete the APIService. Raises ForeignApiServiceError where it is another's, and any of API_ERRORS."""
    try:
        found = await _read_own(connection, service, namespace)
        same = {"preconditions": {"uid": found.metadata.uid}}
        await connection.call(HTTPMethod.DELETE, _API_SERVICE_PATH, same)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:  # else another replica was first
            raise


async def _read_own(connection: Connection, service: str, namespace: str) -> _ApiService:
    found = msgspec.json.decode(await connection.call(HTTPMethod.GET, _API_SERVICE_PATH), type=_ApiService)
    served_by = found.spec.service
    if served_by != _Service(service, namespace):
        there = f"{served_by.namespace}/{served_by.name}" if served_by else "the API server itself"
        raise ForeignApiServiceError(f"{API_SERVICE} is served by {there}, not {namespace}/{service}")
    return found


def _text(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
