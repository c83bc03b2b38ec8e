"""A store of another schema is refused before anything is read or written."""

from collections.abc import Awaitable, Callable

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.audit import audit
from taskqueue.store.claim import claim
from taskqueue.store.connection import Store
from taskqueue.store.cursor import mark_installed
from taskqueue.store.enqueue import enqueue
from taskqueue.store.errors import StoreRefused
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.types import put_types, read_catalog
from tests.store.conftest import World
from tests.support.store.commands import commands_on
from tests.support.store.raw import raw

HOUR = Schedule(interval_s=3600)
#: A value of `installed`, and the schema that it stands for.
OTHERS = [
    (b"1800000000123", "1"),
    (b"1|1800000000123", "1"),
    (b"2|1800000000123", "2"),
    (b"3|1800000000123", "3"),
]
#: Values that stand for no schema.
UNREADABLE = [b"", b"garbage", b"0.5", b"-1", b"4|", b"4|x", b"123"]

CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "claim": lambda store: claim(store, "w", 1, 1, 60_000),
    "heartbeat": lambda store: heartbeat(store, "w", 60_000, b"{}", [], []),
    "enqueue": lambda store: enqueue(store, "sync", "ada"),
    "put_types": lambda store: put_types(store, 0, []),
    "catalog": read_catalog,
    "audit": audit,
}


async def test_a_store_is_set_up_in_the_current_schema(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    value = await raw(world.store).get(world.store.keys("installed"))
    assert value == f"4|{world.clock.now_ms}".encode()
    assert (await read_catalog(world.store)).installed_ms == world.clock.now_ms


async def test_a_store_that_lost_its_types_is_marked_in_the_current_schema(store: Store) -> None:
    assert await mark_installed(store)
    assert (await raw(store).get(store.keys("installed"))).startswith(b"4|")
    assert not await mark_installed(store)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("value", "schema"), OTHERS)
async def test_another_schema_is_refused_and_nothing_is_changed(
    store: Store, call: str, value: bytes, schema: str
) -> None:
    await raw(store).set(store.keys("installed"), value)
    with pytest.raises(StoreRefused) as refused:
        await CALLS[call](store)
    assert f"must be of schema 4 (were of schema {schema}): choose another release" in refused.value.detail
    assert [key async for key in store.scan_keys()] == [store.keys("installed").encode()]
    await raw(store).unlink(store.keys("installed"))


@pytest.mark.parametrize("value", UNREADABLE)
async def test_an_unreadable_schema_is_mended_like_any_value(store: Store, value: bytes) -> None:
    await raw(store).set(store.keys("installed"), value)
    assert (await read_catalog(store)).installed_ms > 0
    assert (await raw(store).get(store.keys("installed"))).startswith(b"4|")


@pytest.mark.parametrize("words", [("get", "users"), ("get", "jobs"), ("dead", "list"), ("audit",)])
@pytest.mark.usefixtures("clock")
async def test_a_command_names_the_schema_and_the_page(
    store: Store, redis_url: str, release: str, words: tuple[str, ...]
) -> None:
    await raw(store).set(store.keys("installed"), b"1800000000123")
    found = await commands_on(redis_url, release)(*words)
    assert found.exit_code == ExitCode.STORE_REFUSED
    assert "must be of schema 4 (were of schema 1)" in found.stderr
    assert "docs/upgrade.md has the commands" in found.stderr
