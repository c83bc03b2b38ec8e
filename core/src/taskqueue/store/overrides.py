"""What an operator sets by hand: pauses and the limit, in records of their own that no publish touches."""

from taskqueue.store.connection import Store

_LIMIT = ":limit"  # no task type can be called that


async def pause(store: Store, task_type: str, for_ms: int = 0) -> None:
    """Emits and starts no scheduled job of a type until resumed, or for for_ms; ad hoc jobs still run."""
    await _set(store, task_type, "paused", for_ms)


async def resume(store: Store, task_type: str) -> bool:
    """Ends a pause; False if there was none."""
    return await _clear(store, task_type)


async def override_rate(store: Store, per_second: float, for_ms: int = 0) -> None:
    """Replaces the configured limit until cleared, or for for_ms; takes effect within 250 ms."""
    await _set(store, _LIMIT, repr(float(per_second)), for_ms)


async def clear_rate(store: Store) -> bool:
    return await _clear(store, _LIMIT)


async def _set(store: Store, name: str, value: str, for_ms: int) -> None:
    await store.run("override", name, value, for_ms)


async def _clear(store: Store, name: str) -> bool:
    return bool(await store.run("override", name, "", 0))
