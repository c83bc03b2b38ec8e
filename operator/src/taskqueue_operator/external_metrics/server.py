"""The HTTPS server. Everybody but a probe must be the API server; for whom it asks, the API server says again."""

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
from taskqueue_operator.external_metrics.tls import Believing, context
from taskqueue_operator.scaling import Scaling

log = structlog.get_logger("taskqueue.operator")

_DISCOVERY: Mapping[str, Document] = {
    "/apis": documents.GROUPS,
    f"/apis/{GROUP}": documents.THE_GROUP,
    f"/apis/{GROUP_VERSION}": documents.RESOURCES,
}
Answer = tuple[HTTPStatus, Document]


class MetricServer:
    """Serves the metric of one namespace. Until told whom to believe it believes nobody."""

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
        self._port.close()
        await self._port.wait_closed()

    def use(self, pair: Pair, front_proxy: FrontProxy) -> None:
        """Show this certificate and believe this front proxy from the next handshake on. Raises ssl.SSLError."""
        self._latest = context(pair, front_proxy)

    async def _answer(self, request: Request) -> HttpAnswer:
        if request.path == "/healthz":
            return HttpAnswer(HTTPStatus.OK, PLAIN, b"ok\n")
        code, document = await self._respond(request)
        # The next request shall meet today's certificate; a connection without the front proxy's is not kept.
        keep = code != HTTPStatus.UNAUTHORIZED and self._is_latest(request)
        return HttpAnswer(code, "application/json", msgspec.json.encode(document), keep)

    def _is_latest(self, request: Request) -> bool:
        return request.tls is not None and request.tls.context is self._latest

    async def _respond(self, request: Request) -> Answer:
        front_proxy = self._latest.front_proxy
        agreed = request.tls.context if request.tls else None
        if request.tls is None or not isinstance(agreed, Believing) or agreed.front_proxy != front_proxy:
            return _failure(HTTPStatus.UNAUTHORIZED, "whom to believe has changed: connect again")
        caller = front_proxy.caller(request.headers)
        if not front_proxy.vouches(request.tls.getpeercert()) or caller is None:
            return _failure(HTTPStatus.UNAUTHORIZED, "only the front proxy of the API server may ask here")
        if request.method != HTTPMethod.GET:
            return _failure(HTTPStatus.METHOD_NOT_ALLOWED, "there is only GET")
        if request.path in _DISCOVERY:
            return HTTPStatus.OK, _DISCOVERY[request.path]
        if request.path != self._path:
            return _failure(
                HTTPStatus.NOT_FOUND,
                f"there is only {METRIC}, in the namespace {self._namespace}, not {request.path}",
            )
        try:
            if not await self._permission.may_read(caller):
                return _failure(
                    HTTPStatus.FORBIDDEN,
                    f"{caller.user} may not list {METRIC}.{GROUP} in the namespace {self._namespace}",
                )
        except API_ERRORS as error:
            why = f"whether {caller.user} may read this cannot be asked: {describe_error(error)}"
            log.warning("an autoscaler could not be answered", reason=why)
            return _failure(HTTPStatus.SERVICE_UNAVAILABLE, why)
        said_of = dict(parse_qsl(request.query))
        return await self._value(said_of.get("labelSelector", ""))

    async def _value(self, selector: str) -> Answer:
        if not documents.selects(selector, self._labels):
            return _failure(
                HTTPStatus.NOT_FOUND, f"the one series has the labels {self._labels}, not {selector}"
            )
        try:
            work_s = (await self._scaling.read()).capacity.work_s
        except StoreFailure as error:
            return _failure(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return HTTPStatus.OK, documents.value(work_s, self._labels, datetime.now(UTC))


def _failure(code: HTTPStatus, message: str) -> Answer:
    return code, documents.failure(code, message)
