"""A release in which every page has something to show: jobs in each state, limits closed and set by hand, pauses."""

import itertools

import msgspec

from taskqueue.client import Client
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.store.claim import Result, claim
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.history import MINUTE_MS, Counts, count, to_counters
from taskqueue.store.limits import override_limit
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.users import set_users
from taskqueue.store.writes import Write, begin_write, end_write
from taskqueue_api.console.page import Page
from tests.support.api.seeded import ORDERS, REPORT, seed
from tests.support.site.site import until

WORKER = "worker-7f9c-2"
USER, PAUSED_USER = "u-1", "shop-" + "x" * 123
#: As long as a name may be.
LONG = TaskType("sync-" + "x" * 58, Schedule(interval_s=900), function="sync", limits=("app",))
REASON = "HTTP 401: the shop has revoked the token"
LEASE_MS = 600_000
_DEAD, _WAITING = 3, 24

_NAMES = {"limit": "app", "type": ORDERS.name, "user": USER}


def url_of(page: Page) -> str:
    """Return the path of a page of this release; a page with another parameter needs a name above."""
    return page.path.format(name=_NAMES.get(page.name, ""))


async def fill(store: Store) -> None:
    """Fill an empty store: three dead jobs, a running one, a closed limit, an override, pauses, history and writes."""
    await seed(store)
    version = (await read_catalog(store)).version
    records = [TypeRecord(one, (Generation(1, one.schedule),)) for one in (ORDERS, REPORT, LONG)]
    await put_types(store, version, records)
    tasks = (Subscription(ORDERS.name), Subscription(LONG.name))
    await set_users(
        store, "folder", [UserSubscription(PAUSED_USER, tasks), UserSubscription("of-folder", tasks)]
    )
    await set_users(store, "client", [UserSubscription(USER, tasks)])
    client = Client(store)
    await client.pause(task_type=REPORT.name)
    await client.pause(user=PAUSED_USER)
    await _run(store, client)
    await override_limit(store, "app", 20.0, None, 3_600_000)
    await _count(store)
    info = msgspec.json.encode({"concurrency": 50, "free": 49, "leased": 4, "calls": 12, "pid": 4711})
    await heartbeat(store, WORKER, LEASE_MS, info, [], ["fetch_orders"])
    write = Write(caller="eduard", by="token", method="PUT", path="/v1/users/u-1", address="127.0.0.1")
    await end_write(store, await begin_write(store, write), 200, write)


async def _run(store: Store, client: Client) -> None:
    """Let jobs die, one close its limit, one run, and the others wait."""
    await client.enqueue(USER, LONG.name)
    for number in range(_DEAD + 1):
        await client.enqueue(USER, ORDERS.name, job_id=f"order-{number}")
    leases: dict[str, str] = {}
    calls = itertools.count(1)

    async def are_leased() -> bool:
        found = await claim(store, WORKER, next(calls), 10, LEASE_MS)
        leases.update({job.lease: job.lease.partition("|")[0] for job in found.jobs})
        return len(leases) == _DEAD + 2

    await until("jobs are leased", are_leased)
    orders = [lease for lease, name in leases.items() if name == ORDERS.name]
    results = [Result(lease, Outcome.DEAD, 0, REASON) for lease in orders[:_DEAD]]
    results += [Result(lease, Outcome.LIMITED, LEASE_MS) for lease in leases.keys() - orders]
    await claim(store, WORKER, next(calls), 0, LEASE_MS, results)
    for number in range(_WAITING):
        await client.enqueue(USER, ORDERS.name, job_id=f"later-{number}")


async def _count(store: Store) -> None:
    """Count ten minutes of starts, none in the newest."""
    minute = await server_now_ms(store) // MINUTE_MS
    counts = to_counters(Counts([30, 12, 4, 2, 1, 0, 0, 0, 1], [44, 0, 3, 3, 0, 0, 0, 0, 0]))
    await count(store, WORKER, 1, [(ORDERS.name, minute - back, counts) for back in range(1, 11)])
