"""Two APIs and four workers: one API refuses everybody (429), the other lets everybody in."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from taskqueue.models.values import HttpCall, Limit, LimitKey, Schedule, TaskType
from taskqueue.store.limits import read_closed, set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from tests.support.site.traffic import Traffic, traffic
from tests.support.store.backlog import server
from tests.support.store.ready import put_ready

RETRY_AFTER_S = 30
_HOUR = Schedule(interval_s=3600)
_APP = Limit("app", LimitKey.RELEASE, 100.0)
_SHOP = Limit("shop", LimitKey.USER, 2.0, burst=40, within="app")
_OTHER = Limit("other", LimitKey.RELEASE, 50.0)


@dataclass(frozen=True)
class Refusing:
    """arrived: requests by API, `refusing` and `free`."""

    running: Traffic
    arrived: Counter[str]

    async def put_refused(self, users: int) -> None:
        """Put a job of the refusing API for each user into its lane, due long ago."""
        jobs = {f"refusing|u{k}|~{k}|{k + 1}|0": float(k + 1) for k in range(users)}
        await put_ready(self.running.store, "normal", jobs, "app")

    async def put_free(self, dues_ms: list[int]) -> None:
        """Put jobs of the other API with these dues into its lane."""
        jobs = {f"free|u{k}|~{k}|{due}|0": float(due) for k, due in enumerate(dues_ms)}
        await put_ready(self.running.store, "normal", jobs, "other")

    async def is_closed(self) -> bool:
        """Tell whether the Release limit of the refusing API is closed."""
        return "app" in {one.limit for one in await read_closed(self.running.store)}


@asynccontextmanager
async def refusing(folder: Path, rate: float = 1_000) -> AsyncIterator[Refusing]:
    """Run both APIs and the workers; no job waits yet.   rate: the global limit."""
    arrived: Counter[str] = Counter()

    async def answer(request: web.Request) -> web.Response:
        arrived[request.path.strip("/")] += 1
        if request.path == "/refusing":
            return web.Response(status=429, headers={"Retry-After": str(RETRY_AFTER_S)})
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    with server() as url:
        async with TestServer(app) as api, traffic(url, folder) as running:
            types = [
                TaskType(name, _HOUR, http=HttpCall(str(api.make_url(f"/{name}"))), limits=(limit,))
                for name, limit in (("refusing", "shop"), ("free", "other"))
            ]
            await set_rate(running.store, rate)
            version = (await read_catalog(running.store)).version
            version = await put_limits(running.store, version, [_APP, _SHOP, _OTHER])
            records = [TypeRecord(one, (Generation(1, _HOUR),)) for one in types]
            await put_types(running.store, version, records)
            await running.start_workers(4)
            await running.workers_up()
            yield Refusing(running, arrived)
