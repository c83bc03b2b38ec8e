"""Some task types and limits, by their names: what a check of one user or of one job needs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from taskqueue.models.locked_params import Locks, refuse_locked
from taskqueue.models.values import Limit, TaskType
from taskqueue.store.command import hmget
from taskqueue.store.connection import Store
from taskqueue.store.errors import LockedParamsError
from taskqueue.store.limit_record import read_limit
from taskqueue.store.malformed import location_of
from taskqueue.store.type_record import read_type


async def find_types(store: Store, names: Sequence[str]) -> dict[str, TaskType | None]:
    """Read the types that the store has; None for a record that cannot be read."""
    values = await store.read(hmget(store.keys("types"), *names)) if names else []
    found: dict[str, TaskType | None] = {}
    for name, value in zip(names, values, strict=True):
        if value is not None:
            read = partial(read_type, name.encode(), value)
            record = store.malformed.read(location_of("types", name.encode()), read)
            found[name] = record[0].task_type if record else None
    return found


async def find_limits(store: Store, names: Sequence[str]) -> dict[str, Limit]:
    """Read the limits by name that the store has."""
    values = await store.read(hmget(store.keys("limits"), *names)) if names else []
    rows = zip(names, values, strict=True)
    return dict(read_limits(store, ((name.encode(), value) for name, value in rows if value)))


async def read_locks(store: Store, names: Sequence[str]) -> Locks:
    """Read the locked params of some types; types that are missing or cannot be read lock none."""
    return Locks.of(found for found in (await find_types(store, names)).values() if found)


async def check_locked(store: Store, task_type: str, params: Mapping[str, Any]) -> None:
    """Raise LockedParamsError for params that the type locks: a worker would ignore them."""
    locks = await read_locks(store, [task_type]) if params else Locks({})
    if names := locks.overridden(task_type, params):
        raise LockedParamsError(str(refuse_locked(task_type, names)))


def read_limits(store: Store, records: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, Limit]]:
    """Read records of limits by name; skip those that cannot be read."""
    for name, value in records:
        limit = store.malformed.read(location_of("limits", name), partial(read_limit, name, value))
        if limit:
            yield limit.name, limit
