"""The operator behind an API server that lies, refuses, cuts and delays: it catches up, and removes no user.

A proxy in front of a real server misbehaves where the server cannot.
"""

import asyncio
import itertools
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from taskqueue.store.cursor import read_cursor
from taskqueue.store.limits import set_rate
from taskqueue_operator.api import PLURALS
from tests.support.kubernetes import kubeconfig
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.flaky_api import FlakyApi, flaky_api, gone, nothing, refusal
from tests.support.kubernetes.shop import Shop, install_definitions, subscription, subscriptions, task_type
from tests.support.process.child import free_ports
from tests.support.site.probes import metric, probe
from tests.support.site.site import Site, site, until

USERS = 20
LONG = float(os.environ.get("TASKQUEUE_OUTAGE_S", "0")) > 30
REFUSED = [[gone()], [refusal(404, "NotFound")]]
if LONG:
    REFUSED += [
        [refusal(410, "Expired")],
        [refusal(500, "InternalError")] * 8,
        [refusal(403, "Forbidden")] * 8,
    ]
only_in_the_long_form = pytest.mark.skipif(
    not LONG, reason="costs seconds that `make test` has not: see make faults"
)
LISTS = {f"list {plural}": kind for kind, plural in PLURALS.items()}
WATCHES = tuple(f"watch {plural}" for plural in PLURALS.values())


@dataclass
class Behind:
    """A shop with one operator that reaches the API server by a proxy only."""

    shop: Shop
    api: FlakyApi
    operator: asyncio.subprocess.Process

    async def is_asked(self, what: str, times: int) -> None:
        """Wait until something was asked for so many times more."""
        wanted = self.api.asked[what] + times

        async def check() -> bool:
            return self.api.asked[what] >= wanted

        await until(f"{what} is asked for", check)

    async def metric(self, name: str, value: float, **labels: str) -> None:
        async def check() -> bool:
            return await metric(self.shop.world, self.operator, name, **labels) >= value

        await until(f"{name} is {value}", check)

    async def users(self, number: int) -> None:
        async def check() -> bool:
            return len(await self.shop.owners()) == number

        await until(f"there are {number} users", check)

    async def well(self) -> None:
        """Every status is right, all users are known, and the process is the same, and ready."""
        await self.shop.statuses_current()
        await self.users(USERS)
        assert self.operator.returncode is None
        for path in ("/livez", "/readyz"):
            assert (await probe(self.shop.world, self.operator, path))[0] == 200


@pytest.fixture
async def behind(shop: Shop, tmp_path: Path) -> AsyncIterator[Behind]:
    async with flaky_api(shop.kubeconfig, tmp_path / "proxied.kubeconfig") as (config, api):
        shop.kubeconfig = config
        made = Behind(shop, api, await shop.operator())
        await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
        await made.well()
        yield made


@pytest.fixture
async def site_of_its_own(redis_url: str, release: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(redis_url, release, tmp_path) as world:
        await set_rate(world.store, 500)
        yield world


async def test_no_watch_answer_loses_an_edit_or_a_deletion(behind: Behind) -> None:
    shop, api = behind.shop, behind.api
    for what in WATCHES:
        assert api.cut(what) == 1
    await shop.apply(subscription("u-000", "sync", suspend=True))
    await behind.well()

    for refused in REFUSED:  # what happens in between no watch will ever tell
        api.watching.clear()
        await shop.kubectl("delete", "usub", "u-001")
        api.answers["watch usersubscriptions"] = iter(refused)
        api.cut("watch usersubscriptions")
        api.watching.set()
        await behind.is_asked("watch usersubscriptions", len(refused))
        await shop.gone({"u-001"})
        await shop.apply(subscription("u-001", "sync"))
        await behind.well()
    shop.world.logs.clear()  # that some were forbidden is not for want of rights


@only_in_the_long_form
async def test_throttled_and_conflicting_answers_lose_no_status(behind: Behind) -> None:
    shop, api = behind.shop, behind.api
    status = "patch usersubscriptions/status"
    busy = refusal(429, "TooManyRequests", **{"Retry-After": "1"})
    for what in (status, "watch usersubscriptions", "get leases", "put leases"):
        api.answers[what] = iter([busy] * 2)
    api.cut("watch usersubscriptions")
    await shop.apply(subscription("u-000", "sync", suspend=True))
    await behind.well()
    assert next(api.answers[status], None) is None, "it was throttled"

    api.delay_s[status] = 1
    await shop.apply(subscription("u-000", "sync"))
    await behind.is_asked(status, 1)
    await shop.apply(
        subscription("u-000", "sync", suspend=True)
    )  # what is under way is of a version that was
    await behind.metric("taskqueue_operator_status_writes_total", 1, outcome="stale")
    for what in (*WATCHES, *LISTS, "put leases"):
        api.delay_s[what] = 1
    api.cut("watch usersubscriptions")
    await shop.apply(subscription("u-002", "sync", suspend=True))
    await behind.well()


async def test_an_empty_list_is_shown_and_needs_confirmation(
    behind: Behind,
) -> None:
    shop, api = behind.shop, behind.api
    # Nothing is listed to the watch either, and what is asked to confirm it fails.
    for what, kind in LISTS.items():
        api.answers[what] = itertools.chain([nothing(kind)], itertools.repeat(refusal(503, "Unavailable")))
    await shop.world.end(behind.operator, signal.SIGTERM)
    behind.operator = await shop.operator()
    await behind.metric("taskqueue_pending_removals", USERS + 1)
    assert len(await shop.owners()) == USERS
    api.answers.clear()
    await behind.well()

    async def nothing_held() -> bool:
        return await metric(shop.world, behind.operator, "taskqueue_pending_removals") == 0

    await until("nothing is held any more", nothing_held)


@only_in_the_long_form
async def test_recreated_definitions_are_followed_again(
    tools: Path, site_of_its_own: Site, tmp_path: Path
) -> None:
    with ControlPlane(tools, tmp_path / "other") as other:
        install_definitions(other)
        shop = Shop(other, "default", site_of_its_own)
        operator = await shop.operator()
        await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
        await shop.dealt(USERS)
        await shop.kubectl("delete", "crd", "usersubscriptions.taskqueue.dev")
        await shop.world.says(operator, "list failed")
        install_definitions(other)
        await shop.apply(*subscriptions(USERS, "sync"))
        await shop.statuses_current()
        assert len(await shop.owners()) == USERS
        await shop.kubectl("delete", "usub", "u-000")
        await shop.gone({"u-000"})
        assert operator.returncode is None


async def test_a_wrong_kubeconfig_is_reported_and_removes_no_user(shop: Shop, tmp_path: Path) -> None:
    first = await shop.operator()
    await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
    await shop.dealt(USERS)
    assert await shop.world.end(first, signal.SIGTERM) == 0
    right = json.loads(await asyncio.to_thread(shop.kubeconfig.read_text))
    server = right["clusters"][0]["cluster"]
    nothing_there = {**server, "server": f"https://127.0.0.1:{free_ports(1)[0]}"}
    malformed = tmp_path / "malformed"
    await asyncio.to_thread(malformed.write_text, "clusters: [")
    wrong = (
        (kubeconfig.write(tmp_path / "nowhere", nothing_there, {"token": "t"}), "Cannot connect to host"),
        (kubeconfig.write(tmp_path / "nobody", server, {"token": "not.a.token"}), "401 Unauthorized"),
        (malformed, "give --kubeconfig FILE"),
    )
    started = list[asyncio.subprocess.Process]()
    for shop.kubeconfig, _ in wrong:
        started.append(await shop.operator())
    for process, (_, words) in zip(started, wrong, strict=True):
        await shop.world.says(process, words)
    lost = started.pop()
    assert await lost.wait() == 2
    assert "Traceback" not in await asyncio.to_thread(shop.world.logs[lost.pid].read_text)

    cursor_ms = await read_cursor(shop.world.store)

    async def ticked() -> bool:
        return await read_cursor(shop.world.store) > cursor_ms + 2_000

    await until("ticking goes on, as that needs no API server", ticked)
    for process in started:
        assert (await probe(shop.world, process, "/livez"))[0] == 200
        assert (await probe(shop.world, process, "/readyz"))[0] == 503
        assert await shop.world.end(process, signal.SIGTERM) == 0
    assert len(await shop.owners()) == USERS
