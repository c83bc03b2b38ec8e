"""The list of writes: who, what, when and from where, whatever becomes of the write; and never params."""

import asyncio
import time
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from taskqueue.store.connection import Store
from taskqueue.store.writes import read_writes
from tests.support.api.fixtures import ServeApi
from tests.support.api.in_process import served_api
from tests.support.api.process import AS_EDITOR, CREDENTIALS, EDITOR, PROXY_SECRET, write_credentials
from tests.support.site.site import until
from tests.support.store.backlog import Server

SECRET = "Qq7-of-a-param"
BODY = {"tasks": [{"type": "orders", "params": {"password": SECRET}}]}


async def test_a_write_has_who_what_when_and_from_where(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    url = (await serve(store, CREDENTIALS, editor_groups=["team"])).url
    proxied = {
        "X-Proxy-Secret": PROXY_SECRET,
        "X-Forwarded-Email": "ada\u202e@example.com" + "x" * 200,
        "X-Forwarded-Groups": "team",
        "X-Forwarded-For": "192.0.2.9, 198.51.100.7",
    }
    before_ms = time.time() * 1000
    async with http.put(f"{url}/v1/users/ada%1B", json=BODY, headers=proxied) as answer:
        status = answer.status
    (noted,) = await read_writes(store)
    assert before_ms - 1_000 <= noted.began_ms <= time.time() * 1000 + 1_000
    assert (noted.status, noted.write.method, noted.write.path) == (status, "PUT", r"/v1/users/ada\x1b")
    assert (noted.write.by, noted.write.address) == ("proxy", "198.51.100.7")
    assert noted.write.caller.startswith("ada")
    assert len(noted.write.caller) <= 100
    assert SECRET not in str(noted)


async def test_each_user_is_noted_by_their_own_id(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession
) -> None:
    url = (await serve(store)).url
    users = ["a#b", "a%23b", "a?b", "a%41", "aA"]
    for user in users:
        async with http.delete(URL(f"{url}/v1/users/{quote(user, safe='')}", encoded=True)) as answer:
            assert answer.status == 204
    noted = await read_writes(store)
    assert {one.write.path for one in noted} == {f"/v1/users/{user}" for user in users}


async def test_a_long_path_is_cut(store: Store, serve: ServeApi, http: aiohttp.ClientSession) -> None:
    url = (await serve(store)).url
    async with http.delete(f"{url}/v1/users/{'u' * 10_000}") as answer:
        assert answer.status in {404, 422}
    (noted,) = await read_writes(store)
    assert (len(noted.write.path), noted.write.by) == (500, "loopback")


async def test_a_store_that_takes_no_note_takes_no_write(
    release: str, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    folder = write_credentials(tmp_path / "credentials", CREDENTIALS)
    with Server() as valkey:
        async with served_api(valkey.url, release, folder) as served:

            async def is_ready() -> bool:
                return served.work.ready() is None

            await until("the store has answered", is_ready)
            valkey.kill()
            async with http.delete(f"{served.url}/v1/users/ada", headers=AS_EDITOR) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
                assert "nothing was written" in (await answer.json())["detail"]


async def test_a_write_that_breaks_is_in_the_list(
    store: Store, serve: ServeApi, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("taskqueue.client.Client.replace_user", broken)
    url = (await serve(store)).url
    async with http.put(f"{url}/v1/users/ada", json={"tasks": [{"type": "orders"}]}) as answer:
        assert answer.status == 500
    (noted,) = await read_writes(store)
    assert noted.status == 500


async def test_a_write_that_its_caller_leaves_is_in_the_list(store: Store, serve: ServeApi) -> None:
    """One that was left before its end has a status; one whose process was killed has none."""
    served = await serve(store, CREDENTIALS)
    head = f"PUT /v1/users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {EDITOR}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(f"{head}Content-Type: application/x-ndjson\r\nContent-Length: 99\r\n\r\n{{".encode())

    async def statuses() -> list[int | None]:
        return [one.status for one in await read_writes(store)]

    async def has_begun() -> bool:
        return await statuses() == [None]

    async def has_ended() -> bool:
        return await statuses() == [400]

    await until("the write has begun", has_begun)
    writer.transport.abort()
    await until("the write has ended", has_ended)
