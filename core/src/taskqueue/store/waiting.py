"""Jobs that wait, counted for people: in all, of a limit's queue, and of the users at a User limit."""

from collections import Counter
from collections.abc import Collection

from taskqueue.plan.lanes import Lane
from taskqueue.store.command import hgetall, zcard, zscan
from taskqueue.store.connection import Store
from taskqueue.store.listing import read_lanes
from taskqueue.store.user_key import read_limit_name


async def count_waiting(store: Store) -> int:
    """Count all jobs that wait, in three round trips whatever their number."""
    lanes = await store.read_all([zcard(store.keys(lane)) for lane in await read_lanes(store)])
    parked = (await store.read(hgetall(store.keys("parked_jobs")))).values()
    suspects = await store.read(zcard(store.keys("suspects")))
    return sum(lanes) + sum(int(jobs) for jobs in parked if jobs.isdigit()) + suspects


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
