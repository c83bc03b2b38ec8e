"""The demand of each task type and user in the store, and the limits on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskqueue.models.values import Limit
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand
from taskqueue.store.connection import Store
from taskqueue.store.generations import count_subscriptions, read_types_of_users
from taskqueue.store.type_record import Generation
from taskqueue.store.types import Catalog, read_catalog
from taskqueue.store.user_limits import read_user_limits


@dataclass(frozen=True, slots=True)
class Plan:
    """The demand and its limits.   rate: of the global limit; None where none was ever set.

    users: the types of each; None where no limit asks for them.
    """

    demands: Sequence[TypeDemand]
    limits: Mapping[str, Limit]
    users: Sequence[UserDemand] | None
    rate: float | None


async def read_plan(store: Store, *, with_users: bool = False) -> Plan:
    """Read the plan of a store. Paused and suspended types are left out.

    with_users: read the types of each user, too, which walks all subscriptions of types with limits by name.
    """
    catalog = await read_catalog(store)
    newest = _newest(catalog)
    counts = await count_subscriptions(store, newest, catalog.variants)
    demands = [one for name in newest for one in TypeDemand.of(catalog.records[name].task_type, counts[name])]
    users = await _read_users(store, catalog, newest) if with_users else None
    return Plan(demands, catalog.limits, users, catalog.rate)


async def _read_users(
    store: Store, catalog: Catalog, newest: Mapping[str, Generation]
) -> list[UserDemand] | None:
    limited = {name: one for name, one in newest.items() if catalog.records[name].task_type.limits}
    if not limited:
        return None
    types = await read_types_of_users(store, limited, catalog.variants)
    own = await read_user_limits(store, catalog.limits)
    return [UserDemand(user, tuple(names), own.get(user, ())) for user, names in types.items()]


def _newest(catalog: Catalog) -> dict[str, Generation]:
    """Return the newest generation of each type that is neither paused nor suspended."""
    return {
        name: record.newest
        for name, record in catalog.records.items()
        if record.newest and name not in catalog.paused and not record.task_type.suspend
    }
