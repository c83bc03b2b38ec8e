"""The HTTPS server of the metric: only the API server may ask, on behalf of users that may read the metric."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPMethod, HTTPStatus
from urllib.parse import parse_qsl

import msgspec
import structlog

from taskqueue.bounded_http.port import Port
from taskqueue.bounded_http.request import PLAIN, Request
from taskqueue.bounded_http.request import Answer as HttpAnswer
from taskqueue.store.errors import StoreFailure
from taskqueue_operator.connection import API_ERRORS, describe_error
from taskqueue_operator.external_metrics import certificates, documents
from taskqueue_operator.external_metrics.certificates import Pair
from taskqueue_operator.external_metrics.documents import GROUP, GROUP_VERSION, METRIC, Document
from taskqueue_operator.external_metrics.front_proxy import FrontProxy
from taskqueue_operator.external_metrics.permission import Permission
from taskqueue_operator.external_metrics.tls import FrontProxyContext, context
from taskqueue_operator.scaling import Scaling

log = structlog.get_logger("taskqueue.operator")

_DISCOVERY: Mapping[str, Document] = {
    "/apis": documents.GROUPS,
    f"/apis/{GROUP}": documents.THE_GROUP,
    f"/apis/{GROUP_VERSION}": documents.RESOURCES,
}
Answer = tuple[HTTPStatus, Document]


class MetricServer:
    """Serves the metric of one namespace; refuses every client until it knows the front proxy."""

    def __init__(
        self, scaling: Scaling, permission: Permission, namespace: str, release: str, names: Sequence[str]
    ) -> None:
        self._scaling = scaling
        self._permission = permission
        self._namespace = namespace
        self._path = f"/apis/{GROUP_VERSION}/namespaces/{namespace}/{METRIC}"
        self._labels = {"release": release}
        self._latest = context(certificates.make(names, datetime.now(UTC)), FrontProxy())
        self._port = Port(self._answer, lambda: self._latest)

    async def start(self, host: str, port: int) -> None:
        """Serve until closed. Raises OSError if the port is taken."""
        await self._port.open(host, port)

    async def close(self) -> None:
        """Stop serving and wait for the open connections."""
        self._port.close()
        await self._port.wait_closed()

    def use(self, pair: Pair, front_proxy: FrontProxy) -> None:
        """Use a certificate and a front proxy from the next handshake on. Raises ssl.SSLError for malformed PEM."""
        self._latest = context(pair, front_proxy)

    async def _answer(self, request: Request) -> HttpAnswer:
        if request.path == "/healthz":
            return HttpAnswer(HTTPStatus.OK, PLAIN, b"ok\n")
        code, document = await self._respond(request)
        # A connection ends with the certificate that it began with, and without the front proxy's certificate.
        keep = code != HTTPStatus.UNAUTHORIZED and self._is_latest(request)
        return HttpAnswer(code, "application/json", msgspec.json.encode(document), keep)

    def _is_latest(self, request: Request) -> bool:
        return request.tls is not None and request.tls.context is self._latest

    async def _respond(self, request: Request) -> Answer:
        front_proxy = self._latest.front_proxy
        agreed = request.tls.context if request.tls else None
        if (
            request.tls is None
            or not isinstance(agreed, FrontProxyContext)
            or agreed.front_proxy != front_proxy
        ):
            return _failure(HTTPStatus.UNAUTHORIZED, "the trusted front proxy has changed: connect again")
        caller = front_proxy.caller(request.headers)
        if not front_proxy.vouches(request.tls.getpeercert()) or caller is None:
            return _failure(HTTPStatus.UNAUTHORIZED, "the client must be the front proxy of the API server")
        if request.method != HTTPMethod.GET:
            return _failure(HTTPStatus.METHOD_NOT_ALLOWED, f"the method must be GET (was {request.method})")
        if request.path in _DISCOVERY:
            return HTTPStatus.OK, _DISCOVERY[request.path]
        if request.path != self._path:
            return _failure(
                HTTPStatus.NOT_FOUND,
                f"the path must be {self._path} (was {request.path})",
            )
        try:
            if not await self._permission.may_read(caller):
                return _failure(
                    HTTPStatus.FORBIDDEN,
                    f"{caller.user} may not list {METRIC}.{GROUP} in the namespace {self._namespace}",
                )
        except API_ERRORS as error:
            log.warning("permission not read", user=caller.user, error=describe_error(error))
            message = f"the permission of {caller.user} cannot be read: {describe_error(error)}"
            return _failure(HTTPStatus.SERVICE_UNAVAILABLE, message)
        query = dict(parse_qsl(request.query))
        return await self._value(query.get("labelSelector", ""))

    async def _value(self, selector: str) -> Answer:
        if not documents.selects(selector, self._labels):
            return _failure(HTTPStatus.NOT_FOUND, f"labelSelector must match {self._labels} (was {selector})")
        try:
            work_s = (await self._scaling.read()).capacity.work_s
        except StoreFailure as error:
            return _failure(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return HTTPStatus.OK, documents.value(work_s, self._labels, datetime.now(UTC))


def _failure(code: HTTPStatus, message: str) -> Answer:
    return code, documents.failure(code, message)
