"""The process of the operator: the scheduler with objects as its source, a leader, and a writer of statuses."""

import os
import socket
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NoReturn

from prometheus_client import REGISTRY

from taskqueue.command_line.command import run_command
from taskqueue.process.frame import ExitError, Process, Start, Work, run
from taskqueue.process.settings import EXIT_BAD_SETTINGS, settings_command
from taskqueue.scheduler.service import Scheduler
from taskqueue.store.connection import Store
from taskqueue.store.fence import read_epoch, take_epoch
from taskqueue.store.lookup import find_digests
from taskqueue_operator import metrics
from taskqueue_operator.access.kubeconfig import KubeconfigError
from taskqueue_operator.api import PLURALS, Api
from taskqueue_operator.connection import Connection, connect
from taskqueue_operator.events import Events
from taskqueue_operator.external_metrics.entry import ExternalMetricsPortError, external_metrics
from taskqueue_operator.input_reader import InputReader
from taskqueue_operator.leader import Leader
from taskqueue_operator.scaling import Scaling
from taskqueue_operator.settings import OperatorSettings
from taskqueue_operator.source import KubernetesSource
from taskqueue_operator.status_writer import StatusWriter
from taskqueue_operator.stored_state import read_in_force
from taskqueue_operator.watcher import Watcher
from taskqueue_operator.work_metrics import WorkCollector


@asynccontextmanager
async def _open(settings: OperatorSettings) -> AsyncIterator[Work]:
    """Connect to the API server and the store, and build the parts of one namespace.

    Raises ExitError if no API server is configured, or if the port of the external metrics is in use.
    """
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(connect(settings.kubeconfig))
        except KubeconfigError as error:
            event = "no API server configured: give --kubeconfig FILE"
            raise ExitError(event, EXIT_BAD_SETTINGS, error=str(error)) from error
        store = await stack.enter_async_context(settings.open_store())
        scaling = Scaling(store, settings.worker_concurrency, settings.scale_drain)
        collector = WorkCollector(lambda: scaling.last)
        REGISTRY.register(collector)
        stack.callback(REGISTRY.unregister, collector)
        serving: list[Start] = []
        if settings.external_metrics_port:
            try:
                serving.extend(
                    await stack.enter_async_context(external_metrics(settings, connection, scaling))
                )
            except ExternalMetricsPortError as error:
                event = "external metrics not served"
                raise ExitError(event, port=settings.external_metrics_port, error=str(error)) from error
        yield _work(settings, store, connection, scaling, serving)


def _work(
    settings: OperatorSettings,
    store: Store,
    connection: Connection,
    scaling: Scaling,
    serving: Sequence[Start],
) -> Work:
    api = Api(connection, settings.namespace)
    find_stored, in_force = partial(find_digests, store, "kubernetes"), partial(read_in_force, store)
    source = KubernetesSource(api, settings.resync, find_stored, in_force)
    watcher = Watcher(source, connection, settings.namespace, settings.watch_period)
    identity = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"

    async def owner() -> str:
        return f"{settings.namespace}/{await api.namespace_uid()}"

    leader = Leader(
        api.lease(settings.lease_name),
        identity,
        settings.lease_duration,
        owner,
        partial(read_epoch, store),
        partial(take_epoch, store),
    )
    scheduler = Scheduler(settings, store, source, leader)
    keeper = scheduler.keeper
    inputs = InputReader(store, keeper, source.table)
    writer = StatusWriter(api, leader, source.table, inputs, Events(api, identity))
    metrics.LEADER.set_function(lambda: leader.leads)
    for kind, plural in PLURALS.items():
        metrics.OBJECTS.labels(kind).set_function(partial(source.table.count, kind))
        metrics.WATCH_AGE.labels(kind).set_function(partial(watcher.pulse.age_s, plural))
    return scheduler.work(
        extra_tasks=(
            partial(leader.run, lambda: keeper.recovery_point.copy),
            source.resync,
            writer.run,
            watcher.run,
            *serving,
        ),
        pages=scaling.pages(),
        live=watcher.stuck,
    )


def serve(settings: OperatorSettings) -> int:
    """Run the operator until a signal, and return its exit code."""
    return run(Process(name="operator", settings=settings, open=partial(_open, settings)))


command = settings_command(OperatorSettings, serve)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `python -m taskqueue_operator`. Raises SystemExit."""
    run_command(command, argv, "python -m taskqueue_operator")
