"""install: one of the values that set a store up."""

from typing import Literal

from taskqueue.store.connection import Store
from taskqueue.store.script import Script

Setting = Literal["installed", "cursor", "rate"]

_INSTALL = Script("install", bool)


async def install(
    store: Store, setting: Setting, value: float | str = "", replay: str | bytes = b"", replay_end_ms: int = 0
) -> bool:
    """Write one setting. Return False if the store keeps a cursor or a time of installation it has already."""
    return await store.run(_INSTALL, setting, value, replay, replay_end_ms)
