"""The operator as a process: the scheduler with objects as its source, a lease, and a writer of status."""

import os
import socket
import sys
import uuid
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any

import structlog
from kubernetes.aio.config import ConfigException

from taskqueue.scheduler import service as scheduler
from taskqueue.scheduler.service import Parts
from taskqueue.settings import load
from taskqueue.store.fence import claim_epoch, read_epoch
from taskqueue_operator import metrics
from taskqueue_operator.api import PLURALS, Api
from taskqueue_operator.connection import connect
from taskqueue_operator.events import Events
from taskqueue_operator.gathering import Gathering
from taskqueue_operator.lease import Lease
from taskqueue_operator.settings import OperatorSettings
from taskqueue_operator.source import KubernetesSource
from taskqueue_operator.status_writer import StatusWriter
from taskqueue_operator.watching import watch

log = structlog.get_logger("taskqueue.operator")


async def run(settings: OperatorSettings) -> None:
    """Operate one namespace until SIGTERM or SIGINT.

    Raises ConfigException where no API server is known, and OSError if the health port is taken.
    """
    async with connect(settings.kubeconfig) as connection, settings.open_store() as store:
        api = Api(connection, settings.namespace)
        source = KubernetesSource(api, settings.resync)
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

        def beside(parts: Parts) -> Sequence[Coroutine[Any, Any, Any]]:
            metrics.LEADER.set_function(lambda: lease.leads)
            for kind in PLURALS:
                metrics.OBJECTS.labels(kind).set_function(partial(source.table.count, kind))
            gathering = Gathering(store, parts.keeper, source.table)
            writer = StatusWriter(api, lease, source.table, gathering, Events(api, identity))
            following = watch(source, connection, settings.namespace)
            return lease.run(lambda: parts.ticker.cursor_ms), source.resync(), writer.run(), following

        await scheduler.run(settings, store, source, lease, beside)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the operator and return its exit code. Raises SystemExit on --help and bad settings."""
    arguments = sys.argv[1:] if argv is None else argv
    settings = load(OperatorSettings, arguments, "python -m taskqueue_operator")
    try:
        return scheduler.execute(settings, run(settings))
    except ConfigException as error:
        log.critical("no API server is known: give --kubeconfig FILE", error=str(error))
        return 2
