"""The newest writes of the API: each is noted before it is carried out, and again with the status of its answer.

A write without a status is being carried out, or its process ended before the answer.
"""

from dataclasses import dataclass
from functools import partial

import msgspec

from taskqueue.store.command import hgetall
from taskqueue.store.connection import Store
from taskqueue.store.malformed import location_of
from taskqueue.store.scalars import read_ms, read_whole
from taskqueue.store.script import Script

_NOTE_WRITE = Script("note_write", int)


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """A write: its caller, what the caller asked for, and where the request came from.

    by: the kind of the caller's sign-in.   detail: words of the route about what it wrote, without params.
    """

    caller: str
    by: str
    method: str
    path: str
    address: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NotedWrite:
    """A write in the list.   number: of the writes of this store, in order.   status: of its answer, None before it."""

    number: int
    began_ms: int
    status: int | None
    write: Write


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Write).decode


async def begin_write(store: Store, write: Write) -> int:
    """Note a write that is about to be carried out, and return its number."""
    return await store.run(_NOTE_WRITE, "", "", _encode(write))


async def end_write(store: Store, number: int, status: int, write: Write) -> None:
    """Note the status of a write's answer."""
    await store.run(_NOTE_WRITE, number, status, _encode(write))


async def read_writes(store: Store) -> list[NotedWrite]:
    """Read all writes that are kept, the newest first."""
    kept = await store.read(hgetall(store.keys("writes")))
    found = [
        store.malformed.read(location_of("writes", slot), partial(read_write, slot, value))
        for slot, value in kept.items()
    ]
    noted = [one for one in found if one]
    return sorted(noted, key=lambda one: (one.began_ms, one.number), reverse=True)


def read_write(slot: bytes, value: bytes) -> NotedWrite | None:
    """Read a field of the list; None for the number of the last write. Raises any error of UNREADABLE."""
    if slot == b"last":
        read_whole(value.decode("ascii"))
        return None
    number, began_ms, status, write = value.split(b"|", 3)
    read_whole(slot.decode("ascii"))
    return NotedWrite(
        read_whole(number.decode("ascii")),
        read_ms(float(began_ms)),
        read_whole(status.decode("ascii")) if status else None,
        _decode(write),
    )
