"""The operator reads who is stopped in the store: completely, in batches, and the less often the more there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from taskqueue.store.suspended import try_suspended
from taskqueue.store.user_pauses import pause_user, resume_user
from taskqueue_operator import stopped_reader
from taskqueue_operator.stopped import Stopped, StoppedUser, SuspendedTask
from taskqueue_operator.stopped_reader import StoppedReader
from tests.support.store.raw import raw
from tests.support.store.shop import SYNC, broken

if TYPE_CHECKING:
    import pytest

    from tests.store.conftest import World

MANY = 2_500
SUSPENSION = msgspec.msgpack.encode({"since": 1_000, "reason": "401", "failures": 3, "trial": ""})


async def test_suspended_tasks_and_paused_users_are_read(world: World) -> None:
    shop, revoked = await broken(world)
    found = await StoppedReader(world.store).read(["sync", "other"])
    (task,) = found.users["u0"].tasks
    assert (task.type, task.reason, task.since_ms > 0) == ("sync", "401", True)
    assert (found.subscriptions, set(found.users)) == ({"sync": 1}, {"u0"})
    end_ms = world.clock.now_us // 1000 + 60_000
    await pause_user(world.store, "u0", 60_000)
    await pause_user(world.store, "u1")
    found = await StoppedReader(world.store).read(["sync"])
    assert {user: one.paused_until_ms for user, one in found.users.items()} == {"u0": end_ms, "u1": 0}
    assert found.users["u0"].tasks == (task,)
    await resume_user(world.store, "u0")
    await resume_user(world.store, "u1")
    revoked.clear()
    await try_suspended(world.store, "sync", "u0")
    await shop.work(20)
    assert await StoppedReader(world.store).read(["sync"]) == Stopped()


async def test_ids_are_read_as_people_write_them(world: World) -> None:
    await world.install(SYNC)
    ids = [f"auth0|{'|' * 120}", "a:b", "50%"]
    for user in ids:
        await world.subscribe(user, "sync")
        await pause_user(world.store, user)
    assert set((await StoppedReader(world.store).read([])).users) == set(ids)


async def test_many_suspensions_are_read_in_batches_and_less_often(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next read is due 1 s a thousand rows later; until then, and while nothing changes, the value is the same."""
    monkeypatch.setattr(stopped_reader, "_PERIOD_S", 0)
    key = world.store.keys.suspended("sync")
    await raw(world.store).hset(key, mapping={f"u{number}": SUSPENSION for number in range(MANY)})
    reader = StoppedReader(world.store)
    found = await reader.read(["sync"])
    assert found.users["u7"] == StoppedUser((SuspendedTask("sync", 1_000, "401"),))
    assert (len(found.users), found.subscriptions) == (MANY, {"sync": MANY})
    await raw(world.store).unlink(key)
    assert await reader.read(["sync"]) is found, "too early for another read"
    monkeypatch.setattr(reader, "_next_s", 0)
    assert await reader.read(["sync"]) == Stopped()
    empty = await reader.read(["sync"])
    assert await reader.read(["sync"]) is empty


async def test_a_suspension_that_cannot_be_read_is_still_one(world: World) -> None:
    await raw(world.store).hset(world.store.keys.suspended("sync"), "u0", b"?")
    found = await StoppedReader(world.store).read(["sync"])
    assert found.users == {"u0": StoppedUser((SuspendedTask("sync", 0, ""),))}
