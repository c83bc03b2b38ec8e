"""The example shop, from kubectl to the API it calls: 270 types, 1,000 users, an operator, two workers, one limit.

The API is the witness: it records user, occurrence and time of each request. The shop's own intervals are minutes
and hours, so a few types are hurried to PERIOD_S, as a person would do it: with kubectl.
"""

import asyncio
import json
import time
from pathlib import Path

import pytest

from tests.support.kubernetes.shop import Shop
from tests.support.manifests.example_shop import FOLDER, HANDLERS, make_users, subscribers
from tests.support.site.counting_api import between, counting_api, worst_second
from tests.support.site.periods import evenly, next_period, once_each
from tests.support.site.site import until

RATE = 60
USERS = 1_000
PERIOD_S = 5
#: Every 10 minutes, in the shop's files. Some 50 users want each, together 200.
HURRIED = ("stock-alert-low", "orders-risk-check", "refunds-fetch-new", "returns-fetch-received")
#: 50 users more, who will all be due in the first second of a period: with the others, that is more than RATE.
CROWDED = "customers-fetch-new"
HURRY = {"schedule": {"interval": f"{PERIOD_S}s"}}
#: From an edit of an interval to the first occurrence of the new one, at most (s).
TAKES_OVER_S = 5.0
#: The limiter spaces starts; on a machine that is busy, a request may reach the API so much later (s).
HELD_UP_S = 0.05
#: From a suspension or a deletion to the last start, at most (s).
STOPS_S = 2.0


async def test_the_api_sees_every_apply_edit_suspend_and_delete(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def edit(kind: str, names: tuple[str, ...], **spec: object) -> None:
        await shop.kubectl("patch", kind, *names, "--type=merge", "-p", json.dumps({"spec": spec}))

    async def everybody_is_known() -> bool:
        return len(await shop.owners()) == USERS

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
        begin_s, came = await next_period(api, HURRIED, PERIOD_S, time.time() + TAKES_OVER_S)
        once_each(came, hurried)
        evenly(came, begin_s, PERIOD_S)

        # A type is hurried into one second, one is suspended, one is deleted; so is a user each.
        suspended, deleted, *rest = HURRIED
        away, gone, *_ = sorted(wanted[CROWDED])
        await edit("tasktype", (CROWDED,), **HURRY, window="1s")
        await edit("tasktype", (suspended,), suspend=True)
        await edit("usub", (away,), suspend=True)
        await shop.kubectl("delete", f"tasktype/{deleted}", f"usub/{gone}")
        changed_s = time.time()
        left = {name: wanted[name] - {away, gone} for name in (*rest, CROWDED)}
        _, came = await next_period(api, left, PERIOD_S, changed_s + TAKES_OVER_S)
        once_each(came, left)

        everything = await api.arrivals()
        since = between(everything, changed_s + STOPS_S, time.time())
        assert not [one for one in since if one.type in {suspended, deleted} or one.user in {away, gone}]
        rest_of_the_shop = [
            one for one in between(everything, opened_s, changed_s) if one.type not in {*HURRIED, CROWDED}
        ]
        mean = len(rest_of_the_shop) / (changed_s - opened_s)
        assert worst_second(rest_of_the_shop) <= 3 * mean, "a herd among all the other types"
        assert worst_second(everything) >= 0.9 * RATE, "too little came at once to show a limit"
        assert worst_second(everything, HELD_UP_S) <= RATE
        await shop.world.balanced()
