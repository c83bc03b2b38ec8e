"""The entry of the package: its parts are imported only where the API is served; cryptography alone takes 8 MiB."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

from taskqueue_operator.connection import Connection
from taskqueue_operator.scaling import Scaling
from taskqueue_operator.settings import OperatorSettings

Tasks = Sequence[Callable[[], Coroutine[Any, Any, None]]]


class ExternalMetricsPortError(Exception):
    """The port of the external metrics cannot be opened."""


@asynccontextmanager
async def external_metrics(
    settings: OperatorSettings, connection: Connection, scaling: Scaling
) -> AsyncIterator[Tasks]:
    """Serve the API, and yield the tasks that it needs. Raises ExternalMetricsPortError if the port is taken."""
    composition = import_module("taskqueue_operator.external_metrics.composition")
    serving: AbstractAsyncContextManager[Tasks] = composition.serve(settings, connection, scaling)
    async with serving as tasks:
        yield tasks
