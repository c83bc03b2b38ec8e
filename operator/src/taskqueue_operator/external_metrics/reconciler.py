"""Keeps what the server stands on: its certificate, the APIService that trusts it, whom it believes itself.

All replicas share one Secret. Whoever finds it empty or two thirds through its life writes a new pair, if nobody else
did; the authorities in it are the new one and the last, so whatever a replica still shows is trusted. A new
certificate is shown one turn after the APIService was seen to trust it.
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
from taskqueue_operator.external_metrics.certificates import Pair
from taskqueue_operator.external_metrics.cluster import (
    ForeignApiServiceError,
    NoSecretError,
    PairSecret,
    publish_authorities,
)
from taskqueue_operator.external_metrics.front_proxy import FrontProxy, read_front_proxy
from taskqueue_operator.external_metrics.server import MetricServer
from taskqueue_operator.external_metrics.withdrawal import Withdrawal

log = structlog.get_logger("taskqueue.operator")
T = TypeVar("T")

#: How often all of it is looked at: three reads of a replica.
_EVERY_S = 10.0
_HOPELESS = (403, 404)


class Reconciler:
    """names: of the service, what the certificate is for."""

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
        self._shown: Pair | None = None
        self._in_use: tuple[Pair, FrontProxy] | None = None
        self._said: dict[str, str] = {}

    async def run(self) -> None:
        """Look after it until cancelled, or the namespace ends; what fails is said and tried again."""
        while not self._withdrawal.over:
            raise_if_cancelled()
            metrics.EXTERNAL_METRICS_READY.set(await self.turn())
            await asyncio.sleep(_EVERY_S)
        metrics.EXTERNAL_METRICS_READY.set(0)

    async def turn(self) -> bool:
        """Look once; True if an autoscaler can be answered."""
        found = await self._try(
            "whom to believe: reading kube-system/extension-apiserver-authentication",
            lambda: read_front_proxy(self._connection),
        )
        self._front_proxy = found or self._front_proxy
        if found and not found.authorities:
            self._say("whom to believe", "the API server has no --requestheader-client-ca-file")
        pair = await self._try("the certificate: its Secret", self._pair)
        if pair is None:
            return False
        trusted = await self._try(
            "the APIService",
            lambda: publish_authorities(self._connection, self._service, self._namespace, pair.authorities),
        )
        if trusted or self._shown is None:
            self._shown = pair
        used = await self._try("the certificate, or whom to believe", self._use)
        return used is not None and trusted is not None and bool(self._front_proxy.authorities)

    async def _use(self) -> bool:
        """Show and believe what is new of it. Raises ssl.SSLError for what is no certificate."""
        if self._shown is not None and self._in_use != (self._shown, self._front_proxy):
            self._server.use(self._shown, self._front_proxy)
            self._in_use = self._shown, self._front_proxy
        return True

    async def _pair(self) -> Pair | None:
        """Return the pair that all replicas share, after making one if need be; None: look again."""
        stored = await self._secret.read()
        now = datetime.now(UTC)
        empty = stored.pair == Pair(b"", b"", b"")
        wrong = "there is none" if empty else certificates.fault(stored.pair, self._names, now)
        if wrong is None:
            return stored.pair
        made = certificates.make(self._names, now, stored.pair.authorities)
        if await self._secret.write(made, stored.version):
            log.info("made a certificate for the external metrics", reason=wrong)
            return made
        stored = await self._secret.read()  # another replica was first
        return stored.pair if certificates.fault(stored.pair, self._names, now) is None else None

    async def _try(self, what: str, call: Callable[[], Awaitable[T]]) -> T | None:
        try:
            done = await call()
        except (*API_ERRORS, ForeignApiServiceError, NoSecretError, ssl.SSLError) as error:
            why = describe_error(error)
            if _is_hopeless(error):
                why += "; see deploy/kubernetes/external-metrics-role.yaml"
            self._say(what, why)
            return None
        self._said.pop(what, None)
        return done

    def _say(self, what: str, why: str) -> None:
        """Say it once, until it is something else."""
        if self._said.get(what) != why:
            self._said[what] = why
            log.error("external metrics", problem=what, error=why)


def _is_hopeless(error: Exception) -> bool:
    """Whether only a right or an object that somebody applies can help."""
    return isinstance(error, NoSecretError) or (isinstance(error, ApiError) and error.status in _HOPELESS)
