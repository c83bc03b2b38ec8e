"""Overrides: pauses and a limit set by hand, in records that no publish touches."""

from typing import NamedTuple

from taskqueue.store.connection import Store
from taskqueue.store.scalars import read_rate, read_whole
from taskqueue.store.script import Script

#: The field of the limit: no task type can have this name.
LIMIT = ":limit"

_OVERRIDE = Script("override", bool)


class Override(NamedTuple):
    """type: that is paused, or empty: the limit is replaced by `rate`, None: nothing starts. expires_ms 0: never."""

    type: str
    rate: float | None
    expires_ms: int


def read_override(name: bytes, value: bytes) -> Override:
    """Read a pause, or what replaces the limit. Raises what UNREADABLE names."""
    if not name:  # no type has this name, and it would be taken for the limit's
        raise ValueError(name)
    detail, _, expires = value.decode("ascii").partition("|")
    expires_ms = read_whole(expires)
    if name == LIMIT.encode():
        return Override("", read_rate(detail.encode()), expires_ms)
    return Override(name.decode("ascii"), None, expires_ms)


async def set_override(store: Store, name: str, value: str, for_ms: int) -> None:
    await store.run(_OVERRIDE, name, value, for_ms)


async def clear_override(store: Store, name: str) -> bool:
    return await store.run(_OVERRIDE, name, "", 0)
