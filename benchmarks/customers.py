"""The cost of customers that differ: 300 types, 40 zones, three intervals a type, 100,000 subscriptions."""

import asyncio
import random
import time
from statistics import median
from typing import Any

from benchmarks.ticking import catch_up, steady_calls_ms
from taskqueue.models.time_zone import time_zone_names
from taskqueue.models.values import CatchUp, Schedule, Subscription, TaskType, UserSubscription
from taskqueue.plan.agenda import Agenda
from taskqueue.plan.due import due
from taskqueue.store.connection import Store, open_store
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.users import set_users
from tests.support.store.backlog import server
from tests.support.store.raw import raw

TYPES, ZONES, TASKS = 300, 40, 10
OUTAGE_S = 3_600
TICK_MS = 250
STEADY_S = 25.0
#: Wall clocks of Europe and America, as of most customers; the others are drawn from all zones.
COMMON = (
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/London",
    "America/New_York",
    "America/Chicago",
    "Asia/Tokyo",
)


def types(chance: random.Random) -> list[TaskType]:
    """A third nightly in the customer's zone, a third at other times of the day, a third in three intervals."""
    made = []
    for number in range(TYPES):
        if number % 3 == 0:
            interval_s = chance.choice([300, 600, 900, 3600])
            schedule = Schedule(interval_s=interval_s, intervals_s=(60, 7200))
        elif number % 3 == 1:
            line = f"{chance.choice([0, 15, 30])} {chance.randint(0, 5)} * * *"
            schedule = Schedule(cron=line, window_s=7200)
        else:
            schedule = Schedule(cron=chance.choice(["0 */6 * * *", "30 22 * * *", "0 9 * * MON-FRI"]))
        made.append(TaskType(f"type-{number:03}", schedule, function="noop", catch_up=CatchUp.ALL))
    return made


def zones(chance: random.Random) -> list[str]:
    """Return the zones of the customers."""
    others = sorted(name for name in time_zone_names() if "/" in name and name not in COMMON)
    return [*COMMON, *chance.sample(others, ZONES - len(COMMON))]


async def _install(store: Store, users: int, chance: random.Random) -> None:
    specs, places = types(chance), zones(chance)
    records = [TypeRecord(spec, (Generation(1, spec.schedule),)) for spec in specs]
    await put_types(store, (await read_catalog(store)).version, records)
    batch = []
    for number in range(users):
        tasks = tuple(
            Subscription(
                spec.name,
                interval_s=chance.choice([None, None, 60, 7200]) if spec.schedule.intervals_s else None,
            )
            for spec in chance.sample(specs, TASKS)
        )
        batch.append(UserSubscription(f"u-{number:06}", tasks, time_zone=chance.choice(places)))
        if len(batch) == 100 or number == users - 1:
            await set_users(store, "import", batch)
            batch = []


def reckoning_ms(agenda: Agenda, now_ms: int, calls: int = 200) -> list[float]:
    """Return the CPU time of Python for the ranges of each of some steady ticks."""
    took = []
    agenda.open_between(now_ms, now_ms)
    for after_ms in range(now_ms, now_ms + calls * TICK_MS, TICK_MS):
        until_ms = after_ms + TICK_MS
        began = time.process_time()
        due(agenda.open_between(after_ms, until_ms), after_ms, until_ms, until_ms)
        took.append((time.process_time() - began) * 1000)
    return took


async def customers(users: int) -> dict[str, Any]:
    """Bytes a subscription, the time of a steady tick in Python and in the store, and the speed of catching up."""
    with server() as url:
        store = open_store(url)
        await read_catalog(store)
        empty = int((await raw(store).info("memory"))["used_memory_dataset"])
        await _install(store, users, random.Random(16))
        used = int((await raw(store).info("memory"))["used_memory_dataset"])
        ticker, emitted, per_s = await catch_up(store, OUTAGE_S)
        segments, now_ms = (await read_catalog(store)).segments(), int(time.time() * 1000)
        agenda = Agenda()
        agenda.take(segments)
        reckoned = sorted(
            ms for hour in range(0, 24, 3) for ms in reckoning_ms(agenda, now_ms + hour * 3_600_000)
        )
        await ticker.turn()  # what became due meanwhile
        calls = await steady_calls_ms(store, ticker, STEADY_S)
        await store.close()
        return {
            "segments": len(segments),
            "bytes_with_zones_and_intervals": round((used - empty) / (users * TASKS), 1),
            "reckoning_median_ms": round(median(reckoned), 2),
            "reckoning_worst_ms": round(reckoned[-1], 2),
            "tick_call_median_ms": median(calls),
            "tick_call_worst_ms": calls[-1],
            "catch_up_of_customers": emitted,
            "catch_up_of_customers_per_s": round(per_s),
        }


if __name__ == "__main__":
    print(asyncio.run(customers(10_000)))
