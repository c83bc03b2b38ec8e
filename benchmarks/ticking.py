"""Speed of the ticker after an outage at a million subscriptions, and the cost of a steady call."""

import asyncio
import time
from typing import Any

from taskqueue.models.values import CatchUp, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.ticker import Ticker
from taskqueue.store.audit import audit
from taskqueue.store.connection import Store, open_store
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.users import set_users
from tests.support.store.backlog import server
from tests.support.store.raw import raw

INTERVALS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
OUTAGE_S = 600


async def _install(store: Store, users: int) -> int:
    types = [
        TaskType(
            f"type-{n:03}", Schedule(interval_s=INTERVALS_S[n % 11]), function="noop", catch_up=CatchUp.ALL
        )
        for n in range(110)
    ]
    records = [TypeRecord(spec, (Generation(1, spec.schedule),)) for spec in types]
    await put_types(store, (await read_catalog(store)).version, records)
    tasks = tuple(Subscription(spec.name) for spec in types)
    for start in range(0, users, 100):
        batch = [UserSubscription(f"u-{n:06}", tasks) for n in range(start, min(start + 100, users))]
        await set_users(store, "import", batch)
    return users * len(types)


async def catch_up(store: Store, outage_s: int) -> tuple[Ticker, int, float]:
    """Emit what an outage left; return the ticker, the number of jobs, and the jobs a second, reckoning included."""
    now_ms = int(time.time() * 1000)
    await raw(store).set(store.keys("cursor"), now_ms - outage_s * 1000)
    ticker = Ticker(store, max_backlog=10**9)
    began = time.perf_counter()
    while (ticker.cursor_ms or 0) < now_ms:
        await ticker.turn()
    took = time.perf_counter() - began
    emitted = (await audit(store)).totals["emitted"]
    return ticker, emitted, emitted / took


async def steady_calls_ms(store: Store, ticker: Ticker, steady_s: float) -> list[float]:
    """Return the store's own time for each call of a ticker that is not behind, ascending."""
    await raw(store).config_set("slowlog-log-slower-than", 0)
    await raw(store).config_set("slowlog-max-len", 100_000)
    await raw(store).slowlog_reset()
    running = asyncio.create_task(ticker.run())
    await asyncio.sleep(steady_s)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    rows = await raw(store).slowlog_get(100_000)
    return sorted(row["duration"] / 1000 for row in rows if row["command"][:7] == b"EVALSHA")


async def ticking(users: int, steady_s: float = 15.0) -> dict[str, Any]:
    """Catch-up: occurrences a second, reckoning included, after OUTAGE_S. Steady: the store's own time per call."""
    with server() as url:
        store = open_store(url)
        subscriptions = await _install(store, users)
        ticker, emitted, per_s = await catch_up(store, OUTAGE_S)
        calls = await steady_calls_ms(store, ticker, steady_s)
        await store.close()
        return {
            "subscriptions": subscriptions,
            "catch_up_occurrences": emitted,
            "catch_up_per_s": round(per_s),
            "steady_calls": len(calls),
            "steady_call_median_ms": calls[len(calls) // 2],
            "steady_call_worst_ms": calls[-1],
        }


if __name__ == "__main__":
    print(asyncio.run(ticking(9_100)))
