"""Overrides: pauses and limits set by hand, in records that no publish touches."""

from typing import NamedTuple

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.store.connection import Store
from taskqueue.store.limit_record import read_user_limit
from taskqueue.store.scalars import read_rate, read_whole
from taskqueue.store.script import Script

#: The field of the global limit; those of limits by name go on with `:NAME`. No task type can have such a name.
_LIMIT = ":limit"

_OVERRIDE = Script("override", bool)


class Override(NamedTuple):
    """A pause of `type`, or values of `limit`: one of the two names is empty. expires_ms 0: never.

    rate: starts per second, infinite for no limit, None if no job starts. burst: None for the limit's own.
    """

    type: str = ""
    limit: str = ""
    rate: float | None = None
    burst: int | None = None
    expires_ms: int = 0


def field_of(limit: str) -> str:
    """Return the field of a limit."""
    return _LIMIT if limit == GLOBAL_LIMIT else f"{_LIMIT}:{limit}"


def read_override(name: bytes, value: bytes) -> Override:
    """Read a pause or the override of a limit. Raises any error of UNREADABLE."""
    if not name:
        raise ValueError(name)
    field, text = name.decode("ascii"), value.decode("ascii")
    if field.startswith(field_of("")):
        rate, burst, ends = text.split("|")
        limit = read_user_limit(field.removeprefix(field_of("")), f"{rate}|{burst or 1}".encode())
        own_burst = limit.burst if burst else None
        return Override("", limit.name, limit.per_second, own_burst, read_whole(ends))
    detail, _, ends = text.partition("|")
    if field == _LIMIT:
        return Override("", GLOBAL_LIMIT, read_rate(detail.encode()), None, read_whole(ends))
    return Override(field, expires_ms=read_whole(ends))


async def set_override(store: Store, name: str, value: str, for_ms: int) -> None:
    """Set an override until it is cleared, or for for_ms."""
    await store.run(_OVERRIDE, name, value, for_ms)


async def clear_override(store: Store, name: str) -> bool:
    """Clear an override; return False if there was none."""
    return await store.run(_OVERRIDE, name, "", 0)
