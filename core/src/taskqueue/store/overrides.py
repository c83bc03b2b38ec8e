"""Overrides: pauses and a limit set by hand, in records that no publish touches."""

from typing import NamedTuple

from taskqueue.store.connection import Store
from taskqueue.store.scalars import read_rate, read_whole
from taskqueue.store.script import Script

#: The field of the limit: no task type can have this name.
LIMIT = ":limit"

_OVERRIDE = Script("override", bool)


class Override(NamedTuple):
    """A pause of `type`; without a type, the rate of the global limit, None if no job starts. expires_ms 0: never."""

    type: str
    rate: float | None
    expires_ms: int


def read_override(name: bytes, value: bytes) -> Override:
    """Read a pause or the override of the limit. Raises any error of UNREADABLE."""
    if not name:  # no type has an empty name, which stands for the limit in Override
        raise ValueError(name)
    detail, _, expires = value.decode("ascii").partition("|")
    expires_ms = read_whole(expires)
    if name == LIMIT.encode():
        return Override("", read_rate(detail.encode()), expires_ms)
    return Override(name.decode("ascii"), None, expires_ms)


async def set_override(store: Store, name: str, value: str, for_ms: int) -> None:
    """Set an override until it is cleared, or for for_ms."""
    await store.run(_OVERRIDE, name, value, for_ms)


async def clear_override(store: Store, name: str) -> bool:
    """Clear an override; return False if there was none."""
    return await store.run(_OVERRIDE, name, "", 0)
