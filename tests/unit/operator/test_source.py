"""The objects of a namespace as a source: lists, watches, and removals."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from taskqueue.plan.admission import admit
from taskqueue.sources.desired import Desired
from taskqueue.store.errors import StoreUnavailable
from taskqueue_operator.api import PLURALS
from taskqueue_operator.connection import ApiError
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import InForce, Kind
from taskqueue_operator.source import KubernetesSource
from tests.support.kubernetes.raw_objects import GOOD, rate_limit, task_type, user
from tests.support.process.virtual_time import virtual_time
from tests.support.site.site import manifest

KUBERNETES_DOWN = (ConnectionResetError(), TimeoutError(), ApiError(410), ApiError(404))


class StandIn:
    """Lists given objects. fails: an error for a kind, after a number of objects. asked: one entry per list."""

    def __init__(self) -> None:
        self.objects: dict[Kind, list[dict[str, Any]]] = {kind: [] for kind in PLURALS}
        self.fails: dict[Kind, tuple[int, Exception]] = {}
        self.asked: list[Kind] = []
        self.going = asyncio.Event()  # lists wait for it before each object
        self.going.set()

    async def list(self, kind: Kind) -> AsyncIterator[Mapping[str, Any]]:
        self.asked.append(kind)
        snapshot = [*self.objects[kind]]
        after, error = self.fails.get(kind, (len(snapshot), None))
        for raw in snapshot[:after]:
            await self.going.wait()
            yield raw
        if error:
            raise error


class Stream:
    """Desired states of a source, each with its time."""

    def __init__(self, source: KubernetesSource) -> None:
        self.offered: list[tuple[float, Desired]] = []
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()
        self.task = asyncio.create_task(self._follow(source))

    async def _follow(self, source: KubernetesSource) -> None:
        async for desired in source.changes():
            self.offered.append((round(self._loop.time() - self._started_s, 2), desired))

    def only(self) -> Desired:
        ((_, desired),) = self.offered
        return desired

    def users(self) -> list[set[str]]:
        return [set(desired.users) for _, desired in self.offered]


@asynccontextmanager
async def following(api: StandIn, resync_s: float = 600) -> AsyncIterator[tuple[KubernetesSource, Stream]]:
    source = KubernetesSource(api, resync_s)
    stream = Stream(source)
    resync = asyncio.create_task(source.resync())
    yield source, stream
    stream.task.cancel()
    resync.cancel()
    await asyncio.wait([stream.task, resync])


@pytest.mark.parametrize("kind", PLURALS)
@pytest.mark.parametrize("error", KUBERNETES_DOWN, ids=repr)
@virtual_time
async def test_nothing_is_offered_before_every_kind_was_listed(kind: Kind, error: Exception) -> None:
    api = StandIn()
    api.objects = {
        "RateLimit": [rate_limit("app", 4)],
        "TaskType": [task_type("orders", 1)],
        "UserSubscription": [user("ada", 2), user("bob", 3)],
    }
    api.fails[kind] = 1, error
    async with following(api) as (source, stream):
        source.put("UserSubscription", user("eve", 4))
        await asyncio.sleep(30)
        assert stream.offered == []
        del api.fails[kind]
        await asyncio.sleep(16)
        assert set(stream.only().limits) == {"app"}
        assert set(stream.only().types) == {"orders"}
        assert set(stream.only().users) == {
            "ada",
            "bob",
        }  # the list is right: the watch was early for one that went


@virtual_time
async def test_a_failing_list_is_retried_with_backoff() -> None:
    api = StandIn()
    api.fails["RateLimit"] = 0, TimeoutError()
    async with following(api):
        await asyncio.sleep(300)
        assert 20 < len(api.asked) < 30
        assert set(api.asked) == {"RateLimit"}


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("error", KUBERNETES_DOWN, ids=repr)
@virtual_time
async def test_a_failing_or_partial_list_removes_nothing(after: int, error: Exception) -> None:
    api = StandIn()
    api.objects["UserSubscription"] = [user("ada", 1), user("bob", 2)]
    async with following(api, resync_s=5) as (source, stream):
        await asyncio.sleep(1)
        api.fails["UserSubscription"] = after, error
        assert await source.look() is None
        await asyncio.sleep(60)
        assert stream.users() == [{"ada", "bob"}]
        assert api.asked.count("UserSubscription") > 5


@virtual_time
async def test_types_in_force_are_read_from_the_store_before_the_first_offer() -> None:
    api = StandIn()
    limits = [{"name": "app"}, {"name": "end"}]
    api.objects["RateLimit"] = [rate_limit("app", 1), rate_limit("end", 2)]
    api.objects["TaskType"] = [task_type("sync", 3, {**GOOD["TaskType"], "limits": limits})]
    stored = admit(manifest("TaskType", "sync", {**GOOD["TaskType"], "limits": limits[:1]}))
    tries = iter([StoreUnavailable("down"), StoreUnavailable("down"), None])

    async def read_in_force() -> InForce:
        if error := next(tries):
            raise error
        return {"TaskType": {"sync": stored}}

    source = KubernetesSource(api, 600, read_in_force=read_in_force)
    stream = Stream(source)
    await asyncio.sleep(30)
    assert stream.only().types == {"sync": stored}
    assert [fault.file for fault in stream.only().faults] == ["TaskType/sync"]
    stream.task.cancel()
    await asyncio.wait([stream.task])


@virtual_time
async def test_a_fresh_look_is_all_there_is_now() -> None:
    api = StandIn()
    api.objects["UserSubscription"] = [user("ada", 1), user("bob", 2)]
    async with following(api) as (source, stream):
        await asyncio.sleep(1)
        api.objects["UserSubscription"] = [user("bob", 2), user("eve", 3)]
        fresh = await source.look()
        assert fresh is not None
        assert set(fresh.users) == {"bob", "eve"}
        await asyncio.sleep(1)
        assert stream.users() == [{"ada", "bob"}, {"bob", "eve"}]


@virtual_time
async def test_a_missed_event_is_found_by_the_next_list() -> None:
    api = StandIn()
    api.objects["UserSubscription"] = [user("ada", 1), user("bob", 2)]
    async with following(api, resync_s=100) as (source, stream):
        await asyncio.sleep(1)
        api.objects["UserSubscription"] = [user("bob", 2)]
        await asyncio.sleep(20)
        assert stream.users() == [{"ada", "bob"}, {"bob"}]
        api.objects["UserSubscription"] = []
        await asyncio.sleep(80)
        assert stream.users()[-1] == {"bob"}
        source.request_relist()
        await asyncio.sleep(3)
        assert stream.users()[-1] == set()
        api.objects["UserSubscription"] = [user("eve", 3)]
        await asyncio.sleep(95)
        assert stream.users()[-1] == set()
        await asyncio.sleep(10)
        assert stream.users()[-1] == {"eve"}


@virtual_time
async def test_a_watch_replaying_its_list_causes_one_list() -> None:
    api = StandIn()
    async with following(api) as (source, _):
        await asyncio.sleep(10)
        api.asked.clear()
        for _ in range(100):
            source.request_relist()
            await asyncio.sleep(0.1)
        assert api.asked == []
        await asyncio.sleep(5)
        assert api.asked == list(PLURALS)


@virtual_time
async def test_a_requested_list_is_retried_until_successful() -> None:
    api = StandIn()
    api.objects["UserSubscription"] = [user("ada", 1), user("bob", 2)]
    async with following(api) as (source, stream):
        await asyncio.sleep(10)
        source.listed.clear()
        api.objects["UserSubscription"] = [user("bob", 2)]
        api.fails["TaskType"] = 0, TimeoutError()
        source.request_relist()
        await asyncio.sleep(60)
        assert not source.listed.is_set()
        del api.fails["TaskType"]
        await asyncio.sleep(16)
        assert source.listed.is_set()
        assert stream.users() == [{"ada", "bob"}, {"bob"}]


@virtual_time
async def test_simultaneous_changes_are_offered_together() -> None:
    api = StandIn()
    async with following(api) as (source, stream):
        await asyncio.sleep(1)
        for version in range(1, 51):
            source.put("UserSubscription", user(f"u{version}", version))
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.4)
        assert [at_s for at_s, _ in stream.offered] == [0, 1.2, 1.41, 1.62]
        assert len(stream.users()[-1]) == 50


@virtual_time
async def test_unchanged_declarations_are_not_offered_again() -> None:
    api = StandIn()
    api.objects["UserSubscription"] = [user("ada", 1)]
    async with following(api) as (source, stream):
        await asyncio.sleep(1)
        source.put("UserSubscription", user("ada", 2, status={"taskCount": 0}))
        source.drop("UserSubscription", "bob", "bob-1")
        await asyncio.sleep(30)
        assert len(stream.offered) == 1
        source.drop("UserSubscription", "ada", "ada-1")
        await asyncio.sleep(1)
        assert stream.users() == [{"ada"}, set()]


@virtual_time
async def test_an_object_deleted_during_a_list_stays_away() -> None:
    api = StandIn()
    api.objects["UserSubscription"] = [user("ada", 1), user("bob", 2)]
    async with following(api) as (source, stream):
        await asyncio.sleep(1)
        api.going.clear()
        first = asyncio.create_task(source.look())
        await asyncio.sleep(1)
        api.objects["UserSubscription"] = [user("ada", 1)]
        source.drop("UserSubscription", "bob", "bob-1")
        second = asyncio.create_task(source.look())
        await asyncio.sleep(1)
        assert api.asked == [*PLURALS, *PLURALS]  # one list at a time
        api.going.set()
        for fresh in await asyncio.gather(first, second):
            assert fresh is not None
            assert set(fresh.users) == {"ada"}
        await asyncio.sleep(1)
        assert stream.users() == [{"ada", "bob"}, {"ada"}]


@virtual_time
async def test_requests_without_end_do_not_put_the_list_off_for_ever() -> None:
    api = StandIn()
    async with following(api) as (source, _):
        await asyncio.sleep(10)
        api.asked.clear()
        for _ in range(100):
            source.request_relist()
            await asyncio.sleep(1.5)
        assert api.asked.count("TaskType") >= 2


async def test_slow_objects_do_not_block_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    api, turns, put = StandIn(), [0], ObjectTable.put
    api.objects["UserSubscription"] = [user(f"u-{n}", n + 1) for n in range(10)]

    def put_slowly(self: ObjectTable, kind: Kind, *args: Any) -> bool:
        time.sleep(0.03)
        return put(self, kind, *args)

    async def turn() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(ObjectTable, "put", put_slowly)
    turning = asyncio.create_task(turn())
    assert await KubernetesSource(api, 600).look() is not None
    turning.cancel()
    assert turns[0] >= 10
