"""Keeps the server's certificate, the APIService's trust in it, and the trusted front proxy current.

All replicas share one Secret. A replica that finds it empty, or two thirds through its life, writes a new pair unless
another replica wrote first. The pair has the new authority and its predecessor, so that certificates that other
replicas still serve stay trusted. A new certificate is served one turn after the APIService was seen to trust it.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import structlog

from taskqueue.store.cancelled import raise_if_cancelled
from taskqueue_operator import metrics
from taskqueue_operator.connection import API_ERRORS, ApiError, Connection, describe_error
from taskqueue_operator.external_metrics import certificates
from taskqueue_operator.external_metrics.api_service import ForeignApiServiceError, publish_authorities
from taskqueue_operator.external_metrics.certificate_secret import NoSecretError, PairSecret
from taskqueue_operator.external_metrics.certificates import Pair
from taskqueue_operator.external_metrics.front_proxy import FrontProxy, read_front_proxy
from taskqueue_operator.external_metrics.server import MetricServer
from taskqueue_operator.external_metrics.withdrawal import Withdrawal

log = structlog.get_logger("taskqueue.operator")
T = TypeVar("T")

#: Between two turns, each of three reads.
_EVERY_S = 10.0
#: Errors that only a right or an object can mend, which an administrator applies.
_PERMANENT = (403, 404)


class Reconciler:
    """Reconciles one replica. service: its name and namespace. names: DNS names of the certificate."""

    def __init__(
        self,
        connection: Connection,
        secret: PairSecret,
        service: tuple[str, str],
        names: Sequence[str],
        server: MetricServer,
        withdrawal: Withdrawal,
    ) -> None:
        self._connection = connection
        self._secret = secret
        self._service, self._namespace = service
        self._names = names
        self._server = server
        self._withdrawal = withdrawal
        self._front_proxy = FrontProxy()
        self._served: Pair | None = None
        self._in_use: tuple[Pair, FrontProxy] | None = None
        self._logged: dict[str, str] = {}

    async def run(self) -> None:
        """Reconcile until cancelled, or the namespace is deleted; a failure is logged and tried again."""
        while not self._withdrawal.over:
            raise_if_cancelled()
            metrics.EXTERNAL_METRICS_READY.set(await self.turn())
            await asyncio.sleep(_EVERY_S)
        metrics.EXTERNAL_METRICS_READY.set(0)

    async def turn(self) -> bool:
        """Reconcile once; True if an autoscaler can be answered."""
        found = await self._try(
            "reading kube-system/extension-apiserver-authentication",
            lambda: read_front_proxy(self._connection),
        )
        self._front_proxy = found or self._front_proxy
        if found and not found.authorities:
            self._log("trusting the front proxy", "the API server must have --requestheader-client-ca-file")
        pair = await self._try("keeping the certificate", self._pair)
        if pair is None:
            return False
        trusted = await self._try(
            "keeping the APIService",
            lambda: publish_authorities(self._connection, self._service, self._namespace, pair.authorities),
        )
        if trusted or self._served is None:
            self._served = pair
        used = await self._try("using the certificate", self._use)
        return used is not None and trusted is not None and bool(self._front_proxy.authorities)

    async def _use(self) -> bool:
        """Use the latest certificate and front proxy. Raises ssl.SSLError for malformed PEM."""
        if self._served is not None and self._in_use != (self._served, self._front_proxy):
            self._server.use(self._served, self._front_proxy)
            self._in_use = self._served, self._front_proxy
        return True

    async def _pair(self) -> Pair | None:
        """Return the pair that all replicas share, and make one if necessary; None: try again."""
        stored = await self._secret.read()
        now = datetime.now(UTC)
        empty = stored.pair == Pair(b"", b"", b"")
        fault = "absent" if empty else certificates.fault(stored.pair, self._names, now)
        if fault is None:
            return stored.pair
        made = certificates.make(self._names, now, stored.pair.authorities)
        if await self._secret.write(made, stored.version):
            log.info("certificate created", reason=fault)
            return made
        stored = await self._secret.read()  # another replica wrote first
        return stored.pair if certificates.fault(stored.pair, self._names, now) is None else None

    async def _try(self, step: str, call: Callable[[], Awaitable[T]]) -> T | None:
        """Return the result of a call; None if it failed, which is logged."""
        try:
            done = await call()
        except (*API_ERRORS, ForeignApiServiceError, NoSecretError, ssl.SSLError) as error:
            reason = describe_error(error)
            if _is_permanent(error):
                reason += "; see deploy/kubernetes/external-metrics-role.yaml"
            self._log(step, reason)
            return None
        self._logged.pop(step, None)
        return done

    def _log(self, step: str, reason: str) -> None:
        """Log the failure of a step once, until the reason changes."""
        if self._logged.get(step) != reason:
            self._logged[step] = reason
            log.error("external metrics failed", step=step, error=reason)


def _is_permanent(error: Exception) -> bool:
    """Tell whether an error stays until an administrator grants a right or creates an object."""
    return isinstance(error, NoSecretError) or (isinstance(error, ApiError) and error.status in _PERMANENT)
