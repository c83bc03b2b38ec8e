"""The APIService, by which the API server finds and trusts the metric server."""

from http import HTTPMethod, HTTPStatus

import msgspec

from taskqueue_operator.connection import ApiError, Connection
from taskqueue_operator.external_metrics.certificate_secret import encode_pem
from taskqueue_operator.external_metrics.documents import GROUP, VERSION

API_SERVICE = f"{VERSION}.{GROUP}"
_PATH = f"/apis/apiregistration.k8s.io/v1/apiservices/{API_SERVICE}"
_MERGE = "application/merge-patch+json"


class _Service(msgspec.Struct):
    name: str = ""
    namespace: str = ""


class _Spec(msgspec.Struct):
    service: _Service | None = None
    caBundle: bytes = b""


class _Uid(msgspec.Struct):
    uid: str = ""


class _ApiService(msgspec.Struct):
    spec: _Spec
    metadata: _Uid = msgspec.field(default_factory=_Uid)


class ForeignApiServiceError(Exception):
    """Another release owns the APIService: only one release of a cluster can serve external metrics itself."""


async def publish_authorities(connection: Connection, service: str, namespace: str, pem: bytes) -> bool:
    """Make the APIService trust these authorities; True if it does already.

    Raises ForeignApiServiceError and API_ERRORS.
    """
    spec = (await _read_own(connection, service, namespace)).spec
    if spec.caBundle == pem:
        return True
    body = {"spec": {"caBundle": encode_pem(pem)}}
    await connection.call(HTTPMethod.PATCH, _PATH, body, content_type=_MERGE)
    return False


async def remove_api_service(connection: Connection, service: str, namespace: str) -> None:
    """Delete the APIService. Raises ForeignApiServiceError and API_ERRORS."""
    try:
        found = await _read_own(connection, service, namespace)
        same = {"preconditions": {"uid": found.metadata.uid}}
        await connection.call(HTTPMethod.DELETE, _PATH, same)
    except ApiError as error:
        if error.status != HTTPStatus.NOT_FOUND:  # else another replica deleted it
            raise


async def _read_own(connection: Connection, service: str, namespace: str) -> _ApiService:
    """Return the APIService. Raises ForeignApiServiceError if it names another Service, and API_ERRORS."""
    found = msgspec.json.decode(await connection.call(HTTPMethod.GET, _PATH), type=_ApiService)
    served_by = found.spec.service
    if served_by != _Service(service, namespace):
        there = f"{served_by.namespace}/{served_by.name}" if served_by else "the API server itself"
        raise ForeignApiServiceError(
            f"the APIService {API_SERVICE} must name {namespace}/{service} (was {there})"
        )
    return found
