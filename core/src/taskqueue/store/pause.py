"""Pauses of task types, set and ended by hand."""

from taskqueue.store.connection import Store
from taskqueue.store.overrides import clear_override, set_override


async def pause(store: Store, task_type: str, for_ms: int = 0) -> None:
    """Pause a type until it is resumed, or for for_ms: no scheduled job is emitted or starts; ad hoc jobs run."""
    await set_override(store, task_type, "paused", for_ms)


async def resume(store: Store, task_type: str) -> bool:
    """End a pause; return False if there was none."""
    return await clear_override(store, task_type)
