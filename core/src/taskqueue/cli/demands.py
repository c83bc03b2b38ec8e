"""What every task type asks for, counted from manifests or from the store, for the plan to judge."""

from pathlib import Path
from typing import TYPE_CHECKING

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail

if TYPE_CHECKING:
    from taskqueue.plan.type_demand import TypeDemand
    from taskqueue.store.connection import Store


def demands_of_path(path: Path) -> "list[TypeDemand]":
    """Count the subscriptions of a folder. Ends the command where manifests are at fault."""
    from taskqueue.sources.folder import load  # noqa: PLC0415 - slow

    desired = load(path)
    if desired.faults:
        fail(
            f"{len(desired.faults)} faults below {path} hide a part of the plan: "
            f"`taskqueue validate {path}` lists them",
            ExitCode.FAULTS,
        )
    return desired.demands()


async def demands_of_store(store: "Store") -> "tuple[list[TypeDemand], float | None]":
    """Count the running subscriptions of a store, without paused types; also give the limit R in force."""
    from taskqueue.plan.type_demand import TypeDemand  # noqa: PLC0415 - slow
    from taskqueue.store.generations import count_subscriptions  # noqa: PLC0415 - slow
    from taskqueue.store.types import read_catalog  # noqa: PLC0415 - slow

    catalog = await read_catalog(store)
    running = {
        name: record
        for name, record in catalog.records.items()
        if record.newest and name not in catalog.paused
    }
    newest = {name: record.newest.number for name, record in running.items() if record.newest}
    counts = await count_subscriptions(store, newest) if newest else {}
    demands = [
        TypeDemand.of(record.task_type, counts.get(name, 0))
        for name, record in running.items()
        if not record.task_type.suspend
    ]
    return demands, catalog.rate
