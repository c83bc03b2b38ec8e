"""The cursor: the instant up to which every job was emitted."""

from functools import partial

import msgspec

from taskqueue.plan.replay import Replay
from taskqueue.store.command import get
from taskqueue.store.connection import Store
from taskqueue.store.errors import CursorLostError
from taskqueue.store.install import install
from taskqueue.store.scalars import END_MS, read_whole


async def read_cursor(store: Store) -> int:
    """The instant (epoch ms) up to which everything was emitted. Raises CursorLostError."""
    value = await store.read(get(store.keys("cursor")))
    cursor = store.malformed.read("cursor", partial(_cursor, value)) if value is not None else None
    if cursor is None:
        raise CursorLostError
    return cursor


def _cursor(value: bytes) -> int:
    cursor_ms = read_whole(value.decode("ascii"))
    if cursor_ms >= END_MS:
        raise ValueError(cursor_ms)
    return cursor_ms


async def restore_cursor(store: Store, cursor_ms: int, replay: Replay | None = None) -> bool:
    """Gives a store that lost its cursor one again; never moves one that is there.

    replay: what was lost with it, and is emitted again.
    """
    text = msgspec.json.encode(replay) if replay else b""
    end_ms = replay.end_ms if replay else 0
    return await install(store, "cursor", cursor_ms, text, end_ms)


async def mark_installed(store: Store) -> bool:
    """Says that a store without types lost them: tick then waits until its cursor was restored."""
    return await install(store, "installed")
