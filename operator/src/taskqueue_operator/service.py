"""The operator as a process: the scheduler with objects as its source, a lease, and a writer of status."""

import os
import socket
import sys
import uuid
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog
from kubernetes.aio.config import ConfigException
from prometheus_client import REGISTRY

from taskqueue.process.settings import load
from taskqueue.scheduler import service as scheduler
from taskqueue.scheduler.service import Parts
from taskqueue.store.fence import claim_epoch, read_epoch
from taskqueue.store.lookup import find_digests
from taskqueue_operator import metrics
from taskqueue_operator.api import PLURALS, Api
from taskqueue_operator.connection import connect
from taskqueue_operator.events import Events
from taskqueue_operator.external_metrics.serving import ExternalMetricsPortError, external_metrics
from taskqueue_operator.gathering import Gathering
from taskqueue_operator.lease import Lease
from taskqueue_operator.scaling import Scaling
from taskqueue_operator.settings import OperatorSettings
from taskqueue_operator.source import KubernetesSource
from taskqueue_operator.status_writer import StatusWriter
from taskqueue_operator.watching import Watcher
from taskqueue_operator.work_metrics import WorkCollector

log = structlog.get_logger("taskqueue.operator")


async def run(settings: OperatorSettings) -> None:
    """Operate one namespace until SIGTERM or SIGINT.

    Raises ConfigException where no API server is known, ExternalMetricsPortError and OSError if a port is taken.
    """
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connect(settings.kubeconfig))
        store = await stack.enter_async_context(settings.open_store())
        api = Api(connection, settings.namespace)
        find_stored = partial(find_digests, store, "kubernetes")
        source = KubernetesSource(api, settings.resync, find_stored)
        watcher = Watcher(source, connection, settings.namespace, settings.watch_period)
        identity = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"

        async def owner() -> str:
            return f"{settings.namespace}/{await api.namespace_uid()}"

        lease = Lease(
            api.lease(settings.lease_name),
            identity,
            settings.lease_duration,
            owner,
            partial(read_epoch, store),
            partial(claim_epoch, store),
        )

        scaling = Scaling(store, settings.worker_concurrency, settings.scale_drain)
        collector = WorkCollector(lambda: scaling.last)
        REGISTRY.register(collector)
        stack.callback(REGISTRY.unregister, collector)
        serving: list[Callable[[], Coroutine[Any, Any, None]]] = []
        if settings.external_metrics_port:
            serving.extend(await stack.enter_async_context(external_metrics(settings, connection, scaling)))

        def beside(parts: Parts) -> Sequence[Coroutine[Any, Any, Any]]:
            metrics.LEADER.set_function(lambda: lease.leads)
            for kind, plural in PLURALS.items():
                metrics.OBJECTS.labels(kind).set_function(partial(source.table.count, kind))
                metrics.WATCH_AGE.labels(kind).set_function(partial(watcher.pulse.age_s, plural))
            gathering = Gathering(store, parts.keeper, source.table)
            writer = StatusWriter(api, lease, source.table, gathering, Events(api, identity))
            return (
                lease.run(lambda: parts.keeper.lookout.copy),
                source.resync(),
                writer.run(),
                watcher.run(),
                *(part() for part in serving),
            )

        await scheduler.run(settings, store, source, lease, beside, scaling.pages(), watcher.stuck)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the operator and return its exit code. Raises SystemExit on --help and bad settings."""
    arguments = sys.argv[1:] if argv is None else argv
    settings = load(OperatorSettings, arguments, "python -m taskqueue_operator")
    try:
        return scheduler.execute(settings, run(settings))
    except ConfigException as error:
        log.critical("no API server is known: give --kubeconfig FILE", error=str(error))
        return 2
    except ExternalMetricsPortError as error:
        log.critical(
            "cannot serve the external metrics", port=settings.external_metrics_port, error=str(error)
        )
        return 1
