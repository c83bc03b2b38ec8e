"""Composition of the parts, from the settings of an operator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from taskqueue_operator.connection import Connection
from taskqueue_operator.external_metrics.certificate_secret import PairSecret
from taskqueue_operator.external_metrics.entry import ExternalMetricsPortError, Tasks
from taskqueue_operator.external_metrics.permission import Permission
from taskqueue_operator.external_metrics.reconciler import Reconciler
from taskqueue_operator.external_metrics.server import MetricServer
from taskqueue_operator.external_metrics.withdrawal import Withdrawal
from taskqueue_operator.scaling import Scaling
from taskqueue_operator.settings import OperatorSettings


@asynccontextmanager
async def serve(settings: OperatorSettings, connection: Connection, scaling: Scaling) -> AsyncIterator[Tasks]:
    """Serve the API, and yield the tasks that it needs. Raises ExternalMetricsPortError if the port is taken."""
    namespace, service = settings.namespace, settings.external_metrics_service
    names = [f"{service}.{namespace}.svc"]
    permission = Permission(connection, namespace)
    server = MetricServer(scaling, permission, namespace, settings.release, names)
    secret = PairSecret(connection, namespace, settings.external_metrics_secret)
    withdrawal = Withdrawal(connection, service, namespace)
    reconciler = Reconciler(connection, secret, (service, namespace), names, server, withdrawal)
    try:
        await server.start(settings.health_host, settings.external_metrics_port)
    except OSError as error:
        await server.close()
        raise ExternalMetricsPortError(str(error)) from error
    try:
        yield reconciler.run, withdrawal.run
    finally:
        await withdrawal.leave()
        await server.close()
