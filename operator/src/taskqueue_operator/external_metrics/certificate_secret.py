"""The Secret with the serving certificate, which all replicas share."""

import base64
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus

import msgspec

from taskqueue_operator.connection import ApiError, Connection
from taskqueue_operator.external_metrics.certificates import Pair

_MERGE = "application/merge-patch+json"


class _Metadata(msgspec.Struct):
    resourceVersion: str


class _Secret(msgspec.Struct):
    metadata: _Metadata
    data: dict[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class StoredPair:
    """A pair from the Secret, and the resourceVersion of the Secret."""

    pair: Pair
    version: str


class NoSecretError(Exception):
    """The Secret does not exist. The chart or external-metrics-role.yaml creates it, empty; the operator may not."""


class PairSecret:
    """Reads and writes one Secret. Both calls raise API_ERRORS."""

    def __init__(self, connection: Connection, namespace: str, name: str) -> None:
        self._connection = connection
        self._path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        self._name = f"{namespace}/{name}"

    async def read(self) -> StoredPair:
        """Return the content, which may be empty or malformed. Raises NoSecretError and API_ERRORS."""
        try:
            found = await self._connection.call(HTTPMethod.GET, self._path)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise NoSecretError(f"the Secret {self._name} must exist: create it empty") from error
            raise
        secret = msgspec.json.decode(found, type=_Secret)
        data = secret.data or {}
        pair = Pair(*(data.get(name, b"") for name in ("tls.crt", "tls.key", "ca.crt")))
        return StoredPair(pair, secret.metadata.resourceVersion)

    async def write(self, pair: Pair, version: str) -> bool:
        """Replace the content at a version; False if another replica wrote first. Raises API_ERRORS."""
        body = {
            "metadata": {"resourceVersion": version},
            "data": {
                "tls.crt": encode_pem(pair.certificate),
                "tls.key": encode_pem(pair.key),
                "ca.crt": encode_pem(pair.authorities),
            },
        }
        try:
            await self._connection.call(HTTPMethod.PATCH, self._path, body, content_type=_MERGE)
        except ApiError as error:
            if error.status == HTTPStatus.CONFLICT:
                return False
            raise
        return True


def encode_pem(pem: bytes) -> str:
    """Encode PEM for a field of bytes in JSON."""
    return base64.b64encode(pem).decode()
