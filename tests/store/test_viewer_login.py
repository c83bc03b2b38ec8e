"""The login of docs/redis.md for an API that only shows: enough for all pages, and for no write that decides."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from taskqueue.store.connection import open_store
from taskqueue.store.enqueue import MAX_JOBS, NewJob, enqueue, enqueue_all
from tests.support.api.all_routes import all_routes
from tests.support.api.process import AS_EDITOR, CREDENTIALS, RunningApi, running_api
from tests.support.api.seeded import seed
from tests.support.store.logins import called_by, given_to, server
from tests.support.store.server import HOST, RedisServer

__all__ = ["server"]

pytestmark = pytest.mark.usefixtures("scripts_as_shipped")
VIEWER = "taskqueue-viewer"
P = "taskqueue:{shop}:"
#: Names of the seeded release, by the part of a path in front of them.
NAMES = {"users": "u-1", "types": "fetch-orders", "limits": "shop"}
#: Scripts that write nothing while no value is malformed.
READS = ("audit", "catalog", "clock", "work")
#: Commands of the API besides those of scripts.
DIRECT = {"EVAL", "EVALSHA", "GET", "HGET", "HGETALL", "HLEN", "HMGET", "HSCAN", "INFO"}
DIRECT |= {"ZCARD", "ZCOUNT", "ZMSCORE", "ZRANGE", "ZREVRANGE", "ZSCAN", "ZSCORE"}
#: Each writing command that the login has, with arguments.
WRITES = """
    HDEL:KEY:f HINCRBY:KEY:f:1 HSET:KEY:f:v PEXPIRE:KEY:1 RENAME:KEY:KEY SET:KEY:v UNLINK:KEY ZADD:KEY:1:m ZREM:KEY:m
    ZREMRANGEBYSCORE:KEY:0:1 ZUNIONSTORE:KEY:1:KEY
"""


@pytest.fixture(scope="module", autouse=True)
def filled(server: RedisServer) -> None:
    """A release with types, users and a job."""
    asyncio.run(fill(f"redis://{HOST}:{server.port}/0"))


async def fill(url: str) -> None:
    async with open_store(url, "shop") as store:
        await seed(store)
        await enqueue(store, "fetch-orders", "u-1", job_id="once")


async def let_many_wait(url: str) -> None:
    """Enqueue more jobs than a page of a user walks, so that it asks for the scheduled ones by name."""
    async with open_store(url, "shop") as store:
        jobs = [NewJob("fetch-orders", f"w-{number}", "", None, 0, 0) for number in range(MAX_JOBS)]
        for _ in range(6):
            await enqueue_all(store, jobs)


@pytest.fixture(scope="module")
def api(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    url = f"redis://{VIEWER}:PASSWORD@{HOST}:{server.port}/0"
    folder = tmp_path_factory.mktemp("api")
    with running_api(url, "shop", folder, CREDENTIALS, show_params=True) as running:
        yield running


def pages() -> list[str]:
    """Return the path of every page and route that reads."""
    paths = [path for method, path in all_routes() if method == "GET"]
    return [re.sub(r"(\w+)/\{[^}]*\}", lambda of: f"{of[1]}/{NAMES.get(of[1], 'x')}", path) for path in paths]


def ask(api: RunningApi, path: str, **more: Any) -> tuple[int, bytes]:
    request = Request(api.url + path, headers={**AS_EDITOR, "Content-Type": "application/json"}, **more)
    try:
        with urlopen(request) as answer:
            # A stream of events has no end.
            return answer.status, b"" if "event-stream" in answer.headers["Content-Type"] else answer.read()
    except HTTPError as error:
        return error.code, error.read()


def test_the_viewers_login_has_exactly_its_commands() -> None:
    assert given_to(VIEWER) == called_by(READS) | DIRECT
    tried = {command.partition(":")[0] for command in WRITES.split()}
    reading = {"EXISTS", "HEXISTS", "HKEYS", "HVALS", "MGET", "TIME", "TYPE", "ZRANGEBYSCORE"}
    assert given_to(VIEWER) - DIRECT == tried | reading


def test_every_page_answers_with_the_viewers_login(server: RedisServer, api: RunningApi) -> None:
    server.call("ACL", "LOG", "RESET")
    answered = {path: ask(api, path) for path in pages()}
    assert len(answered) > 20
    refused = server.call("ACL", "LOG")
    assert {path: found for path, found in answered.items() if found[0] not in {200, 404, 422}} == {}
    assert refused == []


@pytest.mark.parametrize("path", ["/users/u-1", "/v1/users/u-1/waiting", "/v1/users/u-1/history"])
def test_a_user_with_runs_is_shown_while_many_jobs_wait(
    server: RedisServer, api: RunningApi, path: str
) -> None:
    asyncio.run(let_many_wait(f"redis://{HOST}:{server.port}/0"))
    server.call("ACL", "LOG", "RESET")
    status, said = ask(api, path)
    assert (status, server.call("ACL", "LOG")) == (200, []), said


@pytest.mark.parametrize(
    "name", ["users", "subscriptions:u-1", "types", "config", "writes", "ready:global:normal"]
)
def test_the_viewers_login_writes_no_key_that_decides(server: RedisServer, name: str) -> None:
    for command in WRITES.split():
        words = [P + name if word == "KEY" else word for word in command.split(":")]
        assert b"no permissions" in server.call("ACL", "DRYRUN", VIEWER, *words), command
    assert server.call("ACL", "DRYRUN", VIEWER, "HSET", f"{P}malformed", "f", "v") == b"OK"
    assert b"no permissions" in server.call("ACL", "DRYRUN", VIEWER, "HGET", "taskqueue:{other}:users", "f")


def test_an_editor_writes_nothing_by_the_viewers_login(server: RedisServer, api: RunningApi) -> None:
    before = server.call("HGETALL", f"{P}users")
    body = json.dumps({"tasks": [{"type": "fetch-orders"}]}).encode()
    status, said = ask(api, "/v1/users/u-9", method="PUT", data=body)
    assert (status, json.loads(said)["title"]) == (503, "Login of the store lacks a right")
    assert b"nothing was written" in said
    assert b"enough with the setting read_only" in said
    assert server.call("HGETALL", f"{P}users") == before
    assert server.call("EXISTS", f"{P}writes") == 0


def test_a_malformed_value_is_noted_by_the_viewers_login(server: RedisServer, api: RunningApi) -> None:
    server.call("HSET", f"{P}metrics", "done", "no number")
    assert ask(api, "/v1/audit")[0] == 200
    assert server.call("HGET", f"{P}malformed", "metrics done")


def test_a_key_of_another_type_is_left_to_other_logins(server: RedisServer, api: RunningApi) -> None:
    server.call("ZADD", f"{P}workers", "1", "no hash")
    status, said = ask(api, "/v1/workers")
    assert (status, server.call("TYPE", f"{P}workers")) == (503, b"zset"), said
    server.call("UNLINK", f"{P}workers")
    assert ask(api, "/v1/workers")[0] == 200
