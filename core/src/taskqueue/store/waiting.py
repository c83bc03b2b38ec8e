"""Jobs that wait for a limit, counted for people: of a limit's queue, and of the users at a User limit."""

from collections import Counter
from collections.abc import Collection

from taskqueue.plan.lanes import Lane
from taskqueue.store.command import zcard, zscan
from taskqueue.store.connection import Store
from taskqueue.store.user_key import read_limit_name


async def count_lanes(store: Store, queues: Collection[str]) -> Counter[str]:
    """Count the jobs in the lanes of each queue."""
    lanes = [(queue, store.keys.ready(queue, lane)) for queue in queues for lane in Lane]
    found = Counter[str]()
    for (queue, _), jobs in zip(lanes, await store.read_all([zcard(key) for _, key in lanes]), strict=True):
        found[queue] += jobs
    return found


async def count_parked(store: Store) -> Counter[str]:
    """Count parked jobs by the queue that they are of, and by the limit for which they wait, with and without its user.

    Walks all parked limits, a thousand a call.
    """
    found = Counter[str]()
    async for rows in store.scan(zscan(store.keys("limits_free_at"), 1_000)):
        members = [member.decode(errors="replace") for member, _ in rows]
        counts = await store.read_all([zcard(store.keys("parked", member)) for member in members])
        for member, jobs in zip(members, counts, strict=True):
            queue, _, stored_limit = member.partition("|")
            limit = read_limit_name(stored_limit)
            for name in {queue, limit, limit.partition("|")[0]}:
                found[name] += jobs
    return found
