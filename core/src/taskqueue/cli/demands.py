"""The demand of each task type and user, and the limits on it, from manifests or from the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail
from taskqueue.models.values import Limit
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand
from taskqueue.sources.folder import load
from taskqueue.store.connection import Store
from taskqueue.store.generations import count_subscriptions, read_types_of_users
from taskqueue.store.type_record import Generation
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.user_limits import read_user_limits


@dataclass(frozen=True, slots=True)
class Plan:
    """What is demanded and what limits it.   rate: of the global limit; None where none was ever set.

    users: who has which types; None where no limit asks for it.
    """

    demands: Sequence[TypeDemand]
    limits: Mapping[str, Limit]
    users: Sequence[UserDemand] | None
    rate: float | None


def plan_of_path(path: Path) -> Plan:
    """Read the plan of a folder. Ends the command with FAULTS where a manifest is at fault."""
    desired = load(path)
    if desired.faults:
        fail(
            f"{len(desired.faults)} faults below {path} hide a part of the plan: "
            f"`taskqueue validate {path}` lists them",
            ExitCode.FAULTS,
        )
    return Plan(desired.demands(), desired.limits, desired.user_demands(), None)


async def plan_of_store(store: Store) -> Plan:
    """Read the plan of a store. Paused and suspended types are left out."""
    catalog = await read_catalog(store)
    demands = await _demands(store, catalog)
    limited = [demand.type for demand in demands if demand.limits]
    newest = _newest(catalog)
    types = await read_types_of_users(store, {name: newest[name] for name in limited}, catalog.variants)
    own = await read_user_limits(store, catalog.limits)
    users = [UserDemand(user, tuple(names), own.get(user, ())) for user, names in types.items()]
    return Plan(demands, catalog.limits, users if limited else None, catalog.rate)


async def demands_of_store(store: Store) -> list[TypeDemand]:
    """Count the running subscriptions of a store, by type and variant. Paused and suspended types are left out."""
    return await _demands(store, await read_catalog(store))


async def _demands(store: Store, catalog: Catalog) -> list[TypeDemand]:
    newest = _newest(catalog)
    counts = await count_subscriptions(store, newest, catalog.variants)
    return [one for name in newest for one in TypeDemand.of(catalog.records[name].task_type, counts[name])]


def _newest(catalog: Catalog) -> dict[str, Generation]:
    """Return the newest generation of each type that is neither paused nor suspended."""
    return {
        name: record.newest
        for name, record in catalog.records.items()
        if record.newest and name not in catalog.paused and not record.task_type.suspend
    }
