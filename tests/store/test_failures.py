"""A failure at the store is one of three errors of this project, with the server's own words."""

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store import script
from taskqueue.store.audit import audit
from taskqueue.store.claim import claim
from taskqueue.store.command import hgetall
from taskqueue.store.connection import Store, open_store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.errors import (
    LoginRefused,
    RightMissing,
    ScriptFailed,
    StoreCorrupt,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
)
from taskqueue.store.keys import Keys
from taskqueue.store.limits import set_rate
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_types, read_catalog
from taskqueue.store.work import read_work
from taskqueue.store.writes import Write, begin_write
from tests.support.store.backlog import Server
from tests.support.store.raw import raw

WRITE = Write(caller="ann", by="session", method="PUT", path="/", address="", detail="")
HOUR = Schedule(interval_s=3600)
FETCH = TypeRecord(TaskType("fetch", HOUR), (Generation(1, HOUR),))


@pytest.fixture(scope="module")
def server() -> Any:
    with Server() as running:
        yield running


async def refusal(url: str, kind: type[StoreRefused] = StoreRefused) -> str:
    async with open_store(url, "shop") as store:
        with pytest.raises(kind) as caught:
            await begin_write(store, WRITE)
    assert type(caught.value) is kind
    return caught.value.detail


async def configure(url: str, *command: str) -> None:
    async with open_store(url) as store:
        await raw(store).execute_command(*command)


@pytest.mark.parametrize(
    ("change", "back", "words", "kind"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "OOM ", StoreFull),
        (
            ("CONFIG", "SET", "maxclients", "1"),
            ("CONFIG", "SET", "maxclients", "99"),
            "ERR max ",
            StoreRefused,
        ),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "READONLY ", StoreRefused),
        (
            ("CONFIG", "SET", "min-replicas-to-write", "1"),
            ("CONFIG", "SET", "min-replicas-to-write", "0"),
            "NOREPLICAS ",
            StoreRefused,
        ),
    ],
)
async def test_a_refusal_carries_the_servers_words(
    server: Server,
    change: tuple[str, ...],
    back: tuple[str, ...],
    words: str,
    kind: type[StoreRefused],
) -> None:
    await configure(server.url, *change)
    try:
        assert (await refusal(server.url, kind)).startswith(words)
    finally:
        await configure(server.url, *back)


async def test_a_missing_right_and_a_wrong_password_are_refusals(server: Server) -> None:
    await configure(server.url, "ACL", "SETUSER", "ann", "on", ">pw", "~*", "+@all", "-evalsha")
    await configure(server.url, "ACL", "SETUSER", "bo", "on", ">pw", "%R~*", "~taskqueue:{shop}:", "+@all")
    place = server.url.removeprefix("redis://")
    assert "No permissions to access a key" in await refusal(f"redis://bo:pw@{place}", RightMissing)
    assert "no permissions to run the 'evalsha' command" in await refusal(
        f"redis://ann:pw@{place}", RightMissing
    )
    assert (await refusal(f"redis://ann:no@{place}", LoginRefused)).startswith("WRONGPASS ")


async def test_an_error_of_a_script_is_named_as_one(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "source", lambda _: "return nil + 1")
    monkeypatch.setattr(script, "digest", lambda _: "0" * 40)
    async with open_store(server.url, "shop") as store:
        with pytest.raises(ScriptFailed, match="attempt to perform arithmetic on a nil value"):
            await set_rate(store, 1)


async def test_a_value_that_the_client_cannot_send_is_no_silence(server: Server) -> None:
    odd: Any = object()
    async with open_store(server.url, "shop") as store:
        with pytest.raises(StoreRefused, match="Invalid input of type"):
            await set_rate(store, odd)


async def test_a_key_of_another_type_reads_as_empty_and_is_kept(server: Server) -> None:
    async with open_store(server.url, "shop") as store:
        await raw(store).set(store.keys("users"), "x")
        assert await store.read(hgetall(store.keys("users"))) == {}
        assert await raw(store).get(store.keys("malformed:users")) == b"x"


async def test_an_unreadable_answer_is_corrupt() -> None:
    async def odd(*_: Any) -> bytes:
        return b"\xc1"

    client: Any = SimpleNamespace(execute_command=odd)
    for read in (audit, read_work):
        with pytest.raises(StoreCorrupt, match="the answer of"):
            await read(Store(client, Keys("shop")))


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:1/0", "redis+cluster://127.0.0.1:1", "redis+sentinel://127.0.0.1:1/main"]
)
async def test_an_absent_server_is_unavailable(url: str) -> None:
    async with open_store(url) as store:
        with pytest.raises(StoreUnavailable):
            await read_catalog(store)


async def test_a_server_without_redis_protocol_is_refused() -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(page, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        async with open_store(f"redis://127.0.0.1:{port}/0") as store:
            with pytest.raises(StoreRefused, match="Protocol"):
                await read_catalog(store)


async def test_a_server_without_cluster_mode_is_a_refusal(server: Server) -> None:
    place = server.url.removeprefix("redis://").removesuffix("/0")
    assert "cluster support disabled" in await refusal(f"redis+cluster://{place}")


@pytest.mark.parametrize("right", ["EXISTS", "INFO", "HDEL", "HSET", "HINCRBY", "ZADD", "ZREM"])
async def test_a_script_without_a_right_names_the_right(server: Server, right: str) -> None:
    await configure(
        server.url, "ACL", "SETUSER", "bob", "on", ">pw", "~taskqueue:{shop}:*", "+@all", f"-{right}"
    )
    async with open_store(server.url, "shop") as store:
        await put_types(store, (await read_catalog(store)).version, [FETCH])
        await enqueue(store, "fetch", "ann")
        before = await raw(store).dbsize()
    async with open_store(f"redis://bob:pw@{server.url.removeprefix('redis://')}", "shop") as store:
        with pytest.raises(StoreRefused, match=f"permissions to run {right} within scripts"):
            await claim(store, "w", 1, 1, 1_000, [])
    async with open_store(server.url, "shop") as store:
        assert await raw(store).dbsize() == before
        assert (await audit(store)).difference == 0


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in Path(script.__file__).parent.glob("scripts/*.lua"))
)
def test_every_command_of_a_script_is_asked_for(name: str) -> None:
    text = script.source(name)
    (asked,) = re.findall(r"local COMMANDS = \{ (.*) \}", text)
    code = re.sub(r"--.*", "", text)
    assert set(re.findall(r"call\('(\w+)'", code)) == set(re.findall(r"\w+", asked))


async def test_an_answer_of_another_form_is_a_refusal() -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(10_000):
            writer.write(b":7\r\n" * data.count(b"*"))
        writer.close()

    async with await asyncio.start_server(odd, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        async with open_store(f"redis://127.0.0.1:{port}/0") as store:
            with pytest.raises(StoreRefused, match="its answer cannot be read"):
                await store.scan_keys().__anext__()
