"""The demand of each task type, counted from manifests or from the store."""

from pathlib import Path

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.sources.folder import load
from taskqueue.store.connection import Store
from taskqueue.store.generations import count_subscriptions
from taskqueue.store.types import read_catalog


def demands_of_path(path: Path) -> list[TypeDemand]:
    """Count the subscriptions of a folder, by type. Ends the command with FAULTS where a manifest is at fault."""
    desired = load(path)
    if desired.faults:
        fail(
            f"{len(desired.faults)} faults below {path} hide a part of the plan: "
            f"`taskqueue validate {path}` lists them",
            ExitCode.FAULTS,
        )
    return desired.demands()


async def demands_of_store(store: Store) -> tuple[list[TypeDemand], float | None]:
    """Count the running subscriptions of a store, by type, and return the rate of the global limit as well.

    Paused and suspended types are left out. The rate is None where none was ever set.
    """
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
