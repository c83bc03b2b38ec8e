"""Jobs put straight into a lane, as `push` of the scripts does it."""

from collections.abc import Mapping

from taskqueue.store.connection import Store
from tests.support.store.raw import raw

#: In one step: workers move the lane between the indexes meanwhile, and an audit counts it in both.
_PUT = """
local lane, index_busy, index_due, metrics = unpack(KEYS)
for i = 4, #ARGV, 2 do redis.call('ZADD', lane, ARGV[i], ARGV[i + 1]) end
if not redis.call('ZSCORE', index_busy, ARGV[1]) then redis.call('ZADD', index_due, 'LT', ARGV[2], ARGV[1]) end
if ARGV[3] ~= '0' then redis.call('HINCRBY', metrics, 'enqueued', ARGV[3]) end
"""


async def put_ready(
    store: Store, lane: str, jobs: Mapping[str, float], queue: str = "global", *, enqueued: int = 0
) -> None:
    """Put jobs with these scores (ms) into a lane, and the lane into the index.   enqueued: what the counter gets."""
    keys = [store.keys.ready(queue, lane), *map(store.keys, ("lanes_busy", "lanes_due", "metrics"))]
    rows = [part for name, score in jobs.items() for part in (score, name)]
    first_us = min(jobs.values()) * 1000
    await raw(store).eval(_PUT, len(keys), *keys, f"{queue}:{lane}", first_us, enqueued, *rows)
