"""Jobs put straight into a lane, as `push` of the scripts does it."""

from collections.abc import Mapping

from taskqueue.store.connection import Store
from tests.support.store.raw import raw


async def put_ready(store: Store, lane: str, jobs: Mapping[str, float], queue: str = "global") -> None:
    """Put jobs with these scores (ms) into a lane, and the lane into the index."""
    await raw(store).zadd(store.keys.ready(queue, lane), dict(jobs))
    first_us = min(jobs.values()) * 1000
    if await raw(store).zscore(store.keys("lanes_busy"), f"{queue}:{lane}") is None:
        await raw(store).zadd(store.keys("lanes_due"), {f"{queue}:{lane}": first_us}, lt=True)
