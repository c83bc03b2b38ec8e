"""The subscriptions of a type over its window: counted by equal parts of it."""

from collections.abc import Sequence
from itertools import pairwise

from taskqueue.plan.schedule import window_s
from taskqueue.store.command import zcount
from taskqueue.store.connection import Store
from taskqueue.store.scalars import PLACES
from taskqueue.store.type_record import Generation

_PARTS = 48


async def read_spread(store: Store, task_type: str, generation: Generation) -> Sequence[int]:
    """Count the running subscriptions with the type's own schedule in each part of the window."""
    key = store.keys.schedule(task_type, generation.number)
    window_ms = window_s(generation.schedule) * 1000
    bounds = [min(PLACES, window_ms * part // _PARTS) for part in range(_PARTS + 1)]
    return await store.read_all([zcount(key, low, high - 1) for low, high in pairwise(bounds)])
