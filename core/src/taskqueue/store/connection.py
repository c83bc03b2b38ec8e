"""The one door to Redis: run a script, read, wait. One server, Sentinel or Cluster, with TLS and ACL users.

Every call through the door ends in a value of the type that its script or command declares, in a StoreFailure, or in
CancelledError; after the door is closed, in ClientClosedError, and in another event loop than that of the first call in
OtherLoopError. No error of the Redis client gets out.

The client never repeats a command by itself: a repeat after a lost answer would run a script twice.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, Self, TypeVar

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from taskqueue.store import script
from taskqueue.store.cancelled import raise_if_cancelled
from taskqueue.store.clients import MAX_CONNECTIONS, new_cluster_client, new_pool, new_sentinels
from taskqueue.store.command import Command, Scan
from taskqueue.store.errors import (
    CLIENT_ERRORS,
    ClientClosedError,
    OtherLoopError,
    StoreFailure,
    StoreUnavailable,
    WrongKeyType,
    decoded,
    is_not_primary,
    translate,
)
from taskqueue.store.keys import Keys
from taskqueue.store.malformed import Malformed
from taskqueue.store.redis_client import RedisClient
from taskqueue.store.script import Script
from taskqueue.store.sentinel import Primary
from taskqueue.store.servers import Servers
from taskqueue.store.tls_files import check_files, find_fault
from taskqueue.store.url import StoreUrl, check_password, parse_url
from taskqueue.store.wire import Argument

#: No answer within this time counts as a lost one. Scripts are bounded to milliseconds.
ANSWER_TIMEOUT_S = 2.0
_SET_ASIDE = Script("set_aside", bool)

_Answer = TypeVar("_Answer")
_Row = TypeVar("_Row")


class Store:
    """A release on a server. Every call raises StoreFailure.

    url: where the server is, None if unknown. malformed: the values that readers skipped.
    """

    def __init__(
        self,
        client: RedisClient,
        keys: Keys,
        servers: "Servers[Any] | None" = None,
        url: StoreUrl | None = None,
    ) -> None:
        self.keys = keys
        self.url = url
        self.malformed = Malformed()
        self._client = client
        self._servers = servers
        self._knows_schema = False
        self._turns = asyncio.Semaphore(MAX_CONNECTIONS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections once the calls under way have ended; later calls raise ClientClosedError."""
        self._is_closed = True
        async with AsyncExitStack() as turns:
            for _ in range(MAX_CONNECTIONS):  # a call that is still connecting would leave an open connection
                await turns.enter_async_context(self._turns)
            if self._servers:
                await self._servers.close()
            with suppress(*CLIENT_ERRORS):
                await self._client.aclose()

    async def run(self, one: Script[_Answer], *args: Argument) -> _Answer:
        """Run a script with the release's prefix as its one key.

        A server that does not know the script has not run any of it, so loading and asking again is safe. Nothing
        else is ever repeated here: only the caller knows whether a repeat after a lost answer is harmless.

        Raises StoreCorrupt for an answer of another shape.
        """
        answer = await self._answer(self._run, one.name, args)
        self._knows_schema = True
        return decoded(one.decode, answer, f"the answer of {one.name}")

    async def read(self, command: Command[_Answer]) -> _Answer:
        """Return the answer of a command; a key of another type is set aside, and reads as missing."""
        await self._check_schema()
        try:
            return await self._answer(self._read, command)
        except WrongKeyType:
            await self.run(_SET_ASIDE, command.key, command.key_type)
        return await self._answer(self._read, command)

    async def read_all(self, commands: Sequence[Command[_Answer]]) -> list[_Answer]:
        """Return the answers of several commands, sent together; they are no transaction."""
        if not commands:
            return []
        await self._check_schema()
        answers = await self._answer(self._read_all, commands)
        return [
            await self.read(command) if isinstance(answer, Exception) else answer
            for command, answer in zip(commands, answers, strict=True)
        ]

    async def scan(self, command: Scan[_Row]) -> AsyncIterator[list[_Row]]:
        """Yield all of a hash or sorted set, a batch at a time; some of it may come twice."""
        cursor = 0
        while True:
            cursor, rows = await self.read(command.at(cursor))
            yield rows
            if not cursor:
                return

    async def scan_keys(self, count: int = 1_000) -> AsyncIterator[bytes]:
        """Yield every key of the release, some perhaps twice; walks all keys that the server has."""
        keys = aiter(self._client.scan_iter(match=self.keys("*"), count=count))
        while (key := await self._answer(anext, keys, None)) is not None:
            yield key

    async def _check_schema(self) -> None:
        """Run a script before the first command: scripts refuse a store of another schema, commands do not."""
        if not self._knows_schema:
            await self._answer(self._run, "clock", ())
            self._knows_schema = True

    async def _run(self, name: str, args: Sequence[Argument]) -> Any:
        call = self._client.execute_command
        try:
            return await call("EVALSHA", script.digest(name), 1, self.keys.prefix, *args)
        except NoScriptError:
            return await call("EVAL", script.source(name), 1, self.keys.prefix, *args)

    async def _read(self, command: Command[_Answer]) -> _Answer:
        return command.decode(await self._client.execute_command(*command.words))

    async def _read_all(self, commands: Sequence[Command[_Answer]]) -> list[_Answer | Exception]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command.words)
        answers = await pipeline.execute(raise_on_error=False)
        return [
            answer if isinstance(answer, Exception) else command.decode(answer)
            for command, answer in zip(commands, answers, strict=True)
        ]

    async def _answer(self, call: Callable[..., Awaitable[_Answer]], *args: Any) -> _Answer:
        """Call in turn; raise its error as one of ours, and CancelledError where the client swallowed it."""
        self._check_loop()
        async with self._turns:
            if self._is_closed:
                raise ClientClosedError
            generation = self._servers.generation if self._servers else 0
            try:
                return await call(*args)
            except CLIENT_ERRORS as error:
                if self._servers and is_not_primary(error):
                    await self._servers.request_check(generation)
                raise self._explain(translate(error)) from error
            finally:
                raise_if_cancelled()

    def _check_loop(self) -> None:
        """Raise OtherLoopError in another loop than that of the first call: connections cannot leave their loop."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise OtherLoopError

    def _explain(self, failure: StoreFailure) -> StoreFailure:
        """Return a failure that names the file of TLS that is gone, or no good any more, where one is."""
        if self.url and isinstance(failure, StoreUnavailable) and (fault := find_fault(self.url.parameters)):
            return StoreUnavailable(fault)
        return failure


def open_store(
    url: str,
    release: str = "default",
    *,
    timeout_s: float = ANSWER_TIMEOUT_S,
    sentinel_password: str | None = None,
) -> Store:
    """Return a store whose connections are made when first used.

    Raises StoreUrlError, which never repeats the URL's password.
    """
    parsed = parse_url(url)
    check_files(parsed.parameters)
    check_password(sentinel_password or "")
    keys = Keys(release)
    if parsed.topology == "cluster":
        return Store(new_cluster_client(parsed, timeout_s), keys, url=parsed)
    find_primary = None
    if parsed.topology == "sentinel":
        find_primary = partial(Primary, parsed.service, new_sentinels(parsed, timeout_s, sentinel_password))
    servers = Servers(partial(new_pool, parsed, timeout_s), find_primary)
    return Store(Redis(connection_pool=servers.pool), keys, servers, parsed)
