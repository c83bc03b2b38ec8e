"""Seconds in which all users of an application are declared, and declared again as they are: by HTTP and by a client.

The body is made beforehand. The users of the client are made on the way, as an application makes them.
"""

import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from taskqueue import Client, Resync
from taskqueue.models.values import Subscription, UserSubscription
from taskqueue.store.connection import Store, open_store
from tests.support.api.process import AS_EDITOR, CREDENTIALS, running_api
from tests.support.store.backlog import install, server, task_types
from tests.support.store.raw import raw

TYPES, TASKS = 30, 3
#: Bytes of the body that are sent at once.
_CHUNK_BYTES = 65_536
_LINES = AS_EDITOR | {"Content-Type": "application/x-ndjson"}

#: Declares all users, and returns how many of them were written.
_Declare = Callable[[], Awaitable[int]]


async def declaring(users: int) -> dict[str, Any]:
    """Return seconds of the first time and of the second, and the commands of the second that write."""
    return await _declaring_by_http(users) | await _declaring_by_client(users)


async def _declaring_by_http(users: int) -> dict[str, Any]:
    body = b"".join(msgspec.json.encode(_line(user)) + b"\n" for user in _users(users))
    with (
        tempfile.TemporaryDirectory() as name,
        server() as url,
        running_api(url, "default", Path(name), CREDENTIALS) as api,
    ):
        async with aiohttp.ClientSession(api.url, headers=_LINES) as session:

            async def put() -> int:
                async with session.put("/v1/users", data=_chunks(body)) as answer:
                    answer.raise_for_status()
                    done = await answer.json()
                assert done["created"] + done["unchanged"] == users, done
                return int(done["created"])

            return await _twice(url, users, "by_http", put)


async def _declaring_by_client(users: int) -> dict[str, Any]:
    with server() as url:
        async with Client.open(url) as client:

            async def put() -> int:
                done = await client.put_users(_users(users))
                assert done == Resync(done.created, 0, users - done.created), done
                return done.created

            return await _twice(url, users, "by_client", put)


async def _twice(url: str, users: int, way: str, declare: _Declare) -> dict[str, Any]:
    store = open_store(url)
    await install(store, task_types(TYPES), 0)
    figures: dict[str, Any] = {}
    for turn, written in (("first", users), ("again", 0)):
        await raw(store).config_resetstat()
        began = time.perf_counter()
        assert await declare() == written
        figures[f"declare_{way}_{turn}_s"] = round(time.perf_counter() - began, 2)
    figures[f"declare_{way}_again_writes"] = await _count_writes(store)
    await store.close()
    return figures


async def _count_writes(store: Store) -> int:
    """Return how many commands that write the server has carried out since its counts were reset."""
    writing = {
        name.decode() for name in await raw(store).execute_command("COMMAND LIST FILTERBY ACLCAT write")
    }
    counted = await raw(store).info("commandstats")
    return sum(counted[key]["calls"] for key in counted if key.removeprefix("cmdstat_") in writing)


def _users(number: int) -> Iterator[UserSubscription]:
    for n in range(number):
        tasks = (Subscription(f"type-{(n + k * 7) % TYPES:03}", {"shop": n}) for k in range(TASKS))
        yield UserSubscription(f"u-{n:06}", tuple(tasks))


def _line(user: UserSubscription) -> dict[str, Any]:
    return {
        "userId": user.user_id,
        "tasks": [{"type": task.type, "params": task.params} for task in user.tasks],
    }


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for first in range(0, len(body), _CHUNK_BYTES):
        yield body[first : first + _CHUNK_BYTES]
