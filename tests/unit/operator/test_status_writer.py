"""Statuses that differ are written by the leader, paced, edited objects first."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from taskqueue.store.fence import Fence
from taskqueue_operator import status_writer
from taskqueue_operator.connection import ApiError
from taskqueue_operator.events import Events
from taskqueue_operator.input_reader import InputReader
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import Kind, Object
from taskqueue_operator.status import status_of
from taskqueue_operator.status_inputs import StatusInputs
from taskqueue_operator.status_writer import StatusWriter
from taskqueue_operator.stopped import Stopped, StoppedUser, SuspendedTask
from tests.support.kubernetes.raw_objects import GOOD, raw
from tests.support.process.virtual_time import virtual_time

INPUTS = StatusInputs({}, {}, frozenset(), None, frozenset(), True, "", {}, 0)


class Server:
    """Takes a status like the API server, and passes it to the table like the watch."""

    def __init__(self, table: ObjectTable) -> None:
        self.table = table
        self.raws: dict[str, dict[str, Any]] = {}
        self.kinds: dict[str, Kind] = {}
        self.fails: dict[str, Exception] = {}
        self.tried: list[str] = []
        self.tried_s: list[float] = []
        self.version = 0
        self.deaf = False  # whether the watch delivers no statuses

    def edit(
        self,
        name: str,
        spec: Mapping[str, Any] | None = None,
        *,
        seen: bool = True,
        kind: Kind = "UserSubscription",
    ) -> None:
        self.version += 1
        known = self.raws.get(name)
        generation = known["metadata"]["generation"] + 1 if known else 1
        status = known.get("status") if known else None
        self.raws[name] = raw(kind, name, self.version, spec, generation=generation, status=status)
        self.kinds[name] = kind
        if seen:
            self.deliver(name)

    def deliver(self, name: str) -> None:
        self.table.put(self.kinds[name], self.raws[name])

    async def apply_status(self, one: Object, status: Mapping[str, Any]) -> None:
        self.tried.append(one.name)
        self.tried_s.append(asyncio.get_running_loop().time())
        if one.name in self.fails:
            raise self.fails[one.name]
        known = self.raws[one.name]
        if known["metadata"]["resourceVersion"] != one.version:
            raise ApiError(409)
        self.version += 1
        meta = known["metadata"] | {"resourceVersion": str(self.version)}
        self.raws[one.name] = known | {"metadata": meta, "status": dict(status)}
        if not self.deaf:
            self.deliver(one.name)

    async def create_event(self, about: Object, identity: str, kind: str, reason: str, note: str) -> None:
        assert about.kind == "UserSubscription", (
            f"no condition of a type becomes False in these tests: {reason}"
        )


class Leading:
    def __init__(self) -> None:
        self.now = asyncio.Event()
        self.now.set()

    @property
    def leads(self) -> bool:
        return self.now.is_set()

    async def wait_to_lead(self) -> Fence:
        await self.now.wait()
        return Fence("", 1)


def keeper() -> Any:
    """Stand for a Keeper that has published nothing yet."""
    return SimpleNamespace(stored=None)


class Given:
    """Inputs chosen by the test; `publish` puts the declarations into the store."""

    def __init__(self, table: ObjectTable) -> None:
        self.keeper = keeper()
        self.table = table
        self.now = INPUTS
        self.error: Exception | None = None
        no_store: Any = None
        self._reader = InputReader(no_store, self.keeper, table)

    def publish(self) -> None:
        self.keeper.stored = self.table.desired()

    async def read(self) -> StatusInputs:
        if self.error:
            raise self.error
        return self.now

    def is_published(self, one: Object, duplicates: Mapping[str, Object]) -> bool:
        return self._reader.is_published(one, duplicates)


class Writing:
    def __init__(self) -> None:
        self.table = ObjectTable()
        self.server = Server(self.table)
        self.lease = Leading()
        self.given = Given(self.table)

    def writer(self) -> StatusWriter:
        events = Events(self.server, "replica-0")
        return StatusWriter(self.server, self.lease, self.table, self.given, events)

    def start(self, *names: str, kind: Kind = "UserSubscription") -> None:
        for name in names:
            self.server.edit(name, kind=kind)
        self.given.publish()

    def count(self, *types: str) -> None:
        """Change the subscriptions of types, as every publish may."""
        known = self.given.now.subscriptions
        self.given.now = replace(INPUTS, subscriptions={name: known.get(name, 0) + 1 for name in types})

    def counted(self, name: str) -> int:
        status: Mapping[str, Any] = self.server.raws[name].get("status", {})
        return int(status.get("subscriptions", -1))


@asynccontextmanager
async def writing(*names: str) -> AsyncIterator[Writing]:
    parts = Writing()
    parts.start(*names)
    task = asyncio.create_task(parts.writer().run())
    yield parts
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


@virtual_time
async def test_each_status_is_written_once() -> None:
    async with writing("ada", "bob") as parts:
        await asyncio.sleep(60)
        assert sorted(parts.server.tried) == ["ada", "bob"]
        parts.server.edit("bob", {"suspend": True})
        parts.given.publish()
        await asyncio.sleep(60)
        assert sorted(parts.server.tried) == ["ada", "bob", "bob"]
        assert parts.server.raws["bob"]["status"]["observedGeneration"] == 2


@virtual_time
async def test_changed_inputs_rewrite_only_affected_statuses() -> None:
    async with writing("ada", "bob") as parts:
        await asyncio.sleep(5)
        parts.server.tried.clear()
        parts.given.now = replace(INPUTS, imported=frozenset({"ada"}))
        await asyncio.sleep(60)
        assert parts.server.tried == ["ada"]
        assert parts.server.raws["ada"]["status"]["conditions"][0]["reason"] == "ManagedElsewhere"


@virtual_time
async def test_a_stopped_user_alone_is_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with writing("ada", "bob", "ann") as parts:
        parts.start("orders", kind="TaskType")
        await asyncio.sleep(5)
        parts.server.tried.clear()
        compared: list[str] = []

        def status_of_counted(one: Object, *args: Any) -> dict[str, Any]:
            compared.append(one.name)
            return status_of(one, *args)

        monkeypatch.setattr(status_writer, "status_of", status_of_counted)
        for stopped in (
            Stopped({"ada": StoppedUser((SuspendedTask("orders", 0, ""),))}),
            Stopped({}, {"orders": 1}),
        ):
            parts.given.now = replace(INPUTS, stopped=stopped)
            await asyncio.sleep(5)
        assert parts.server.tried == ["ada", "orders", "ada"]
        assert set(compared) == {"ada", "orders"}


@virtual_time
async def test_writes_are_paced() -> None:
    async with writing(*(f"u{number}" for number in range(200))) as parts:
        await asyncio.sleep(60)
        times_s = parts.server.tried_s
        assert len(times_s) == 200
        assert min(later - at for at, later in pairwise(times_s)) >= 0.0199


@virtual_time
async def test_an_edited_object_comes_first_in_a_long_queue() -> None:
    names = [f"u{number}" for number in range(2000)]
    async with writing(*names) as parts:
        await asyncio.sleep(5)
        assert 200 < len(parts.server.tried) < 300, "all of them are still to be written for the first time"
        parts.server.edit("u7", {"suspend": True})
        parts.given.publish()
        await asyncio.sleep(2.5)
        assert parts.server.tried.count("u7") == 1
        await asyncio.sleep(60)
        parts.given.now = replace(INPUTS, imported=frozenset(names))
        parts.server.tried.clear()
        await asyncio.sleep(1.5)
        assert parts.server.tried
        parts.server.edit("u1000", {"suspend": True})
        parts.given.publish()
        await asyncio.sleep(2.5)
        assert "u1000" in parts.server.tried
        assert len(parts.server.tried) < 220


@virtual_time
async def test_frequent_edits_go_first_but_not_forever() -> None:
    async with writing() as parts:

        async def flood(name: str, seconds: int) -> None:
            for number in range(seconds * 4):
                parts.start(*(f"{name}{number}-{n}" for n in range(25)))
                await asyncio.sleep(0.25)

        await flood("a", 15)
        assert len(parts.server.tried) <= 100, "one round or two, until it was seen"
        await asyncio.sleep(40)
        assert all("status" in raw for raw in parts.server.raws.values())
        parts.server.tried.clear()
        await flood("b", 60)
        assert 100 <= len(parts.server.tried) <= 300


@virtual_time
async def test_a_type_waits_behind_no_users() -> None:
    async with writing() as parts:
        parts.start("orders", kind="TaskType")
        await asyncio.sleep(5)
        parts.start(*(f"u{number}" for number in range(2_000)))
        parts.count("orders")
        parts.server.tried.clear()
        await asyncio.sleep(25)
        assert "orders" in parts.server.tried[:2]
        parts.server.tried.clear()
        parts.count("orders")
        await asyncio.sleep(2.5)
        assert parts.counted("orders") == 2
        assert parts.server.tried.index("orders") <= 100, "after the rounds that were under way"
        assert len(parts.server.tried) > 100, "the users go on"


@virtual_time
async def test_a_limit_waits_behind_no_users() -> None:
    async with writing() as parts:
        parts.start(*(f"u{number}" for number in range(2_000)))
        await asyncio.sleep(5)
        parts.server.tried.clear()
        parts.start("app", kind="RateLimit")
        await asyncio.sleep(2.5)
        assert parts.server.tried.index("app") <= 100, "after the rounds that were under way"
        assert parts.server.raws["app"]["status"]["conditions"][1]["reason"] == "InForce"


@virtual_time
async def test_a_limit_is_written_under_constant_user_edits() -> None:
    async with writing() as parts:
        for second in range(8):
            for number in range(100):
                parts.server.edit(f"u{number}", {"suspend": bool(second % 2)})
            if second > 4:
                parts.server.edit("app", {**GOOD["RateLimit"], "burst": second}, kind="RateLimit")
            parts.given.publish()
            await asyncio.sleep(1)
        assert parts.server.tried.count("app") == 3, "users wait meanwhile"
        assert len(parts.server.tried) <= 100 + 3


@virtual_time
async def test_types_are_written_under_constant_user_edits() -> None:
    async with writing() as parts:
        parts.start("orders", kind="TaskType")
        await asyncio.sleep(5)
        parts.server.tried.clear()
        for second in range(15):
            for tenth in range(10):
                parts.start(*(f"u{second}-{tenth}-{n}" for n in range(10)))
                parts.count("orders")
                await asyncio.sleep(0.1)
        assert parts.counted("orders") >= 130, "within two rounds of the 150 changes"
        assert len(parts.server.tried) <= 100 + 15


@virtual_time
async def test_constantly_changing_types_leave_users_their_part() -> None:
    types = [f"t{number}" for number in range(120)]
    async with writing() as parts:
        parts.start(*types, kind="TaskType")
        await asyncio.sleep(10)
        parts.server.tried.clear()
        parts.start(*(f"u{number}" for number in range(500)))
        for _ in range(40):
            parts.count(*types)
            await asyncio.sleep(1)
        written = parts.server.tried
        users = sum(name.startswith("u") for name in written)
        assert users == 500, "all of them, among types that never rest"
        turns = [written.count(name) for name in types]
        assert max(turns) - min(turns) <= 2
        assert parts.server.tried[0].startswith("t")


@pytest.mark.parametrize("status", [404, 409])
@virtual_time
async def test_a_changed_object_is_left_to_the_watch(status: int) -> None:
    async with writing("bob", "ada") as parts:
        parts.server.fails["ada"] = ApiError(status)
        await asyncio.sleep(0.1)
        assert parts.server.tried == ["ada", "bob"]
        assert "status" in parts.server.raws["bob"]
        await asyncio.sleep(60)
        assert parts.server.tried == ["ada", "bob"]
        parts.server.fails.clear()
        parts.server.version += 1
        parts.server.raws["ada"]["metadata"]["resourceVersion"] = str(parts.server.version)
        parts.server.deliver("ada")
        await asyncio.sleep(2)
        assert parts.server.tried == ["ada", "bob", "ada"]


@virtual_time
async def test_a_written_status_is_not_repeated_under_a_late_watch() -> None:
    async with writing("ada") as parts:
        parts.server.deaf = True
        await asyncio.sleep(60)
        assert parts.server.tried == ["ada"]
        parts.server.deliver("ada")
        await asyncio.sleep(60)
        assert parts.server.tried == ["ada"]


@virtual_time
async def test_a_late_write_is_refused_and_made_again_from_the_watch() -> None:
    async with writing("ada") as parts:
        parts.server.edit("ada", {"suspend": True}, seen=False)
        await asyncio.sleep(0.5)
        assert "status" not in parts.server.raws["ada"]
        parts.server.deliver("ada")
        parts.given.publish()
        await asyncio.sleep(10)
        assert parts.server.raws["ada"]["status"]["observedGeneration"] == 2
        assert parts.server.tried == ["ada", "ada"]


@pytest.mark.parametrize("status", [400, 422])
@virtual_time
async def test_a_refused_status_is_not_retried_and_blocks_nothing(status: int) -> None:
    async with writing("bob", "ada") as parts:
        parts.server.fails["ada"] = ApiError(status)
        await asyncio.sleep(60)
        assert parts.server.tried == ["ada", "bob"]
        del parts.server.fails["ada"]
        parts.server.edit("ada", {"suspend": True})
        parts.given.publish()
        await asyncio.sleep(10)
        assert parts.server.tried == ["ada", "bob", "ada"]


@pytest.mark.parametrize("error", [ApiError(503), ApiError(403), TimeoutError()], ids=repr)
@virtual_time
async def test_a_failing_api_server_is_asked_once_a_round(error: Exception) -> None:
    async with writing("ada", "bob", "eve") as parts:
        parts.server.fails = dict.fromkeys(("ada", "bob", "eve"), error)
        await asyncio.sleep(9.5)
        assert 9 <= len(parts.server.tried) <= 11
        parts.server.fails = {}
        await asyncio.sleep(10)
        assert all("status" in raw for raw in parts.server.raws.values())


@virtual_time
async def test_a_store_outage_stops_the_writing() -> None:
    async with writing("ada") as parts:
        parts.given.error = ConnectionRefusedError()
        await asyncio.sleep(10)
        assert parts.server.tried == []
        parts.given.error = None
        await asyncio.sleep(2)
        assert parts.server.tried == ["ada"]


@virtual_time
async def test_only_the_leader_writes_and_stops_within_a_round() -> None:
    async with writing() as parts:
        parts.lease.now.clear()
        parts.start(*(f"u{number}" for number in range(100)))
        await asyncio.sleep(10)
        assert parts.server.tried == []
        parts.lease.now.set()
        await asyncio.sleep(2)
        parts.lease.now.clear()
        written = len(parts.server.tried)
        assert 30 < written < 60
        await asyncio.sleep(10)
        assert len(parts.server.tried) == written


@virtual_time
async def test_unpublished_declarations_are_left_alone() -> None:
    async with writing("ada") as parts:
        await asyncio.sleep(2)
        parts.server.edit("ada", {"suspend": True})
        parts.server.edit("bob")
        await asyncio.sleep(10)
        assert parts.server.tried == ["ada"]
        parts.given.publish()
        await asyncio.sleep(2)
        assert sorted(parts.server.tried) == ["ada", "ada", "bob"]


@virtual_time
async def test_unpublishable_objects_are_told_at_once() -> None:
    async with writing("ada") as parts:
        parts.server.edit("bad", {"tasks": [{"type": "A"}]})
        parts.server.edit("zoe", {"userId": "ada"})
        parts.given.now = replace(INPUTS, duplicates=parts.table.duplicates())
        await asyncio.sleep(2)
        reasons = {name: raw["status"]["conditions"][0]["reason"] for name, raw in parts.server.raws.items()}
        assert reasons == {"ada": "Valid", "bad": "Invalid", "zoe": "DuplicateUser"}


@virtual_time
async def test_an_object_changed_within_a_round_waits_for_the_next() -> None:
    async with writing("bob", "ada") as parts:
        await asyncio.sleep(0.01)
        parts.server.edit("bob", {"suspend": True})
        parts.given.publish()
        await asyncio.sleep(0.5)
        assert parts.server.tried == ["ada"]
        await asyncio.sleep(2)
        assert parts.server.tried == ["ada", "bob"]


@pytest.mark.parametrize("error", [ApiError(403), ApiError(500), TimeoutError()], ids=repr)
@virtual_time
async def test_a_failure_of_one_object_blocks_no_other(error: Exception) -> None:
    names = [f"u{number}" for number in range(60)]
    async with writing(*names) as parts:
        parts.server.fails["u59"] = error
        await asyncio.sleep(10)
        assert {name for name, raw in parts.server.raws.items() if "status" not in raw} == {"u59"}
        parts.server.fails.clear()
        await asyncio.sleep(2)
        assert "status" in parts.server.raws["u59"]
