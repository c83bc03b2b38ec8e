"""The example shop, from kubectl to the API it calls: 270 types, 1,000 users, an operator, two workers, one limit.

The API is the witness: it records user, occurrence and time of each request. The shop's own intervals are minutes
and hours, so a few types are hurried to PERIOD_S, as a person would do it: with kubectl.
"""

import asyncio
import json
import time
from pathlib import Path

import pytest

from taskqueue.store.clock import server_now_ms
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog
from tests.support.kubernetes.shop import Shop
from tests.support.manifests.example_shop import FOLDER, HANDLERS, make_users, subscribers
from tests.support.site.bookings import most_booked
from tests.support.site.counting_api import counting_api
from tests.support.site.periods import evenly, next_period, once_each, taken_over
from tests.support.site.site import until

RATE = 60
USERS = 1_000
PERIOD_S = 5
#: Every 10 minutes, in the shop's files. Some 50 users want each, together 200.
HURRIED = ("stock-alert-low", "orders-risk-check", "refunds-fetch-new", "returns-fetch-received")
#: 50 users more, who will all be due in the first second of a period: with the others, that is more than RATE.
CROWDED = "customers-fetch-new"
HURRY = {"schedule": {"interval": f"{PERIOD_S}s"}}
#: A job is emitted so early at most, also of what is suspended or deleted then.
LOOK_AHEAD_MS = 1_000


async def stopped(shop: Shop, types: tuple[str, str], users: tuple[str, str]) -> None:
    """Wait until the store knows of the suspended and the deleted one of each kind."""
    store, (suspended, deleted), (away, gone) = shop.world.store, types, users

    async def check() -> bool:
        records = (await read_catalog(store)).records
        return (
            records[suspended].task_type.suspend
            and (deleted not in records or records[deleted].removed)
            and all(task.suspended for task in await read_subscriptions(store, away))
            and gone not in await shop.owners()
        )

    await until("the store knows of all that stops", check)


async def test_the_api_sees_every_apply_edit_suspend_and_delete(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def edit(kind: str, names: tuple[str, ...], **spec: object) -> None:
        await shop.kubectl("patch", kind, *names, "--type=merge", "-p", json.dumps({"spec": spec}))

    async def everybody_is_known() -> bool:
        return len(await shop.owners()) == USERS

    store = shop.world.store
    async with counting_api() as api:
        monkeypatch.setenv("SHOP_API_URL", api.url)

        # The shop opens: all is applied as it stands in examples/shop, and jobs arrive.
        await shop.operator("--rate", str(RATE))
        for _ in range(2):
            await shop.world.worker(handlers=HANDLERS)
        users = await asyncio.to_thread(make_users, USERS, tmp_path)
        wanted = {name: subscribers(users, name) for name in (*HURRIED, CROWDED)}
        await shop.kubectl("apply", "--server-side", "-f", str(FOLDER))
        await shop.apply(*users)
        await until("all users are published", everybody_is_known, 20)
        opened_s = time.time()
        await api.flowing(20)

        # Four types are hurried: each of their users comes once a period, and every second of it has its share.
        await edit("tasktype", HURRIED, **HURRY)
        hurried = {name: wanted[name] for name in HURRIED}
        from_s = await taken_over(store, HURRIED, PERIOD_S)
        begin_s, came = await next_period(api, hurried, PERIOD_S, from_s)
        once_each(came, hurried)
        evenly(shop.world.bookings(), HURRIED, begin_s, PERIOD_S)

        # A type is hurried into one second, one is suspended, one is deleted; so is a user each.
        suspended, deleted, *rest = HURRIED
        away, gone, *_ = sorted(wanted[CROWDED])
        await edit("tasktype", (CROWDED,), **HURRY, window="1s")
        await edit("tasktype", (suspended,), suspend=True)
        await edit("usub", (away,), suspend=True)
        await shop.kubectl("delete", f"tasktype/{deleted}", f"usub/{gone}")
        changed_s = time.time()
        await stopped(shop, (suspended, deleted), (away, gone))
        stopped_ms = await server_now_ms(store) + LOOK_AHEAD_MS
        left = {name: wanted[name] - {away, gone} for name in (*rest, CROWDED)}
        _, came = await next_period(api, left, PERIOD_S, await taken_over(store, left, PERIOD_S))
        once_each(came, left)

        booked = shop.world.bookings()
        since = [one.job for one in booked if one.job.due_ms > stopped_ms]
        assert not [one for one in since if one.type in {suspended, deleted} or one.user in {away, gone}]
        rest_of_the_shop = [
            one
            for one in booked
            if opened_s <= one.start_us / 1e6 < changed_s and one.job.type not in {*HURRIED, CROWDED}
        ]
        mean = len(rest_of_the_shop) / (changed_s - opened_s)
        assert most_booked(rest_of_the_shop) <= 3 * mean, "a herd among all the other types"
        assert most_booked(booked) >= 0.9 * RATE, "too little came at once to show a limit"
        assert most_booked(booked) <= RATE
        await shop.world.balanced()
