"""Pauses of task types, set and ended by hand."""

from taskqueue.store.connection import Store
from taskqueue.store.overrides import clear_override, set_override


async def pause(store: Store, task_type: str, for_ms: int = 0) -> None:
    """Emits and starts no scheduled job of a type until resumed, or for for_ms; ad hoc jobs still run."""
    await set_override(store, task_type, "paused", for_ms)


async def resume(store: Store, task_type: str) -> bool:
    """Ends a pause; False if there was none."""
    return await clear_override(store, task_type)
