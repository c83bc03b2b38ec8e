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
    """Read the cursor (epoch ms). Raises CursorLostError where it is missing or cannot be read."""
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
    """Give a store that lost its cursor a new one; return False for a store that has one, which stays.

    replay: jobs that were lost with the cursor, and are emitted again.
    """
    text = msgspec.json.encode(replay) if replay else b""
    end_ms = replay.end_ms if replay else 0
    return await install(store, "cursor", cursor_ms, text, end_ms)


async def mark_installed(store: Store) -> bool:
    """Mark a store without types as one that lost them: tick then waits until the cursor is restored."""
    return await install(store, "installed")
