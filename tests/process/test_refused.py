"""An API that refuses everybody (429) gets a few requests of four worker processes, and another API all of its own."""

from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from taskqueue.models.values import HttpCall, Limit, LimitKey, Schedule, TaskType
from taskqueue.store.limits import read_closed, set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from tests.support.site.site import until
from tests.support.site.traffic import traffic
from tests.support.store.backlog import server
from tests.support.store.ready import put_ready

HOUR = Schedule(interval_s=3600)
APP = Limit("app", LimitKey.RELEASE, 100.0)
SHOP = Limit("shop", LimitKey.USER, 2.0, burst=40, within="app")
OTHER = Limit("other", LimitKey.RELEASE, 50.0)
RETRY_AFTER_S = 30
USERS = 2_000


@pytest.mark.parametrize("served", [0, 75], ids=["cold", "warm"])
async def test_two_thousand_users_ask_a_refusing_app_twenty_times(tmp_path: Path, served: int) -> None:
    """The store is new, or has served jobs of another API."""
    arrived: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        arrived[request.path] += 1
        if request.path == "/refusing":
            return web.Response(status=429, headers={"Retry-After": str(RETRY_AFTER_S)})
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    with server() as url:
        async with TestServer(app) as api, traffic(url, tmp_path) as running:
            store = running.store
            types = [
                TaskType("sync", HOUR, http=HttpCall(str(api.make_url("/refusing"))), limits=("shop",)),
                TaskType("free", HOUR, http=HttpCall(str(api.make_url("/free"))), limits=("other",)),
            ]
            await set_rate(store, 1_000)
            version = await put_limits(store, (await read_catalog(store)).version, [APP, SHOP, OTHER])
            records = [TypeRecord(one, (Generation(1, HOUR),)) for one in types]
            await put_types(store, version, records)
            await running.start_workers(4)
            await running.workers_up()
            free = {f"free|u{k}|~{k}|{k + 1}|0": float(k + 1) for k in range(5_000)}
            waiting = {f"sync|u{k}|~{k}|{k + 1}|0": float(k + 1) for k in range(USERS)}
            if served:
                await put_ready(store, "normal", free, "other")
                await until("the other API is asked", lambda: _reached(arrived, served), 60)
            await put_ready(store, "normal", waiting, "app")
            if not served:
                await put_ready(store, "normal", free, "other")

            async def is_closed() -> bool:
                return "app" in {one.limit for one in await read_closed(store)}

            await until("the Release limit is closed", is_closed, 60)
            before = arrived["/free"]
            await until("six seconds' worth of the other API", lambda: _reached(arrived, before + 300), 12)
            assert 3 <= arrived["/refusing"] <= 20
            assert await is_closed()


async def _reached(arrived: Counter[str], number: int) -> bool:
    return arrived["/free"] >= number
