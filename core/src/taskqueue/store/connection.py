"""The one door to Redis: run a script, read, wait. One server, Sentinel or Cluster, with TLS and ACL users.

Whatever goes through the door comes back as a value or as a StoreFailure; nothing of the Redis client gets out.

The client never repeats a command by itself: a repeat after a lost answer would run a script twice.
"""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import suppress
from typing import Any, Self, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode
from redis.exceptions import NoScriptError

from taskqueue.store import script
from taskqueue.store.cancelled import raise_if_cancelled
from taskqueue.store.cluster import ClusterClient
from taskqueue.store.errors import (
    CLIENT_ERRORS,
    StoreFailure,
    StoreRefused,
    StoreUnavailable,
    StoreUrlError,
    is_not_primary,
    translate,
)
from taskqueue.store.keys import Keys
from taskqueue.store.malformed import Malformed
from taskqueue.store.servers import Servers, patience
from taskqueue.store.tls_files import check_files
from taskqueue.store.url import StoreUrl, parse_url

#: No answer within this time counts as a lost one. Scripts are bounded to milliseconds.
ANSWER_TIMEOUT_S = 2.0
#: The server's word for a key of another type than the command's, and that type by the command's first letter.
_WRONG_TYPE = "WRONGTYPE"
_TYPES = {"G": "string", "H": "hash", "Z": "zset"}

Argument = str | bytes | int | float
_Answer = TypeVar("_Answer")


class Store:
    """A client and the keys of the release it works for. Every call raises StoreFailure."""

    def __init__(
        self, client: Any, keys: Keys, servers: Servers | None = None, url: StoreUrl | None = None
    ) -> None:
        self.client = client
        self.keys = keys
        self._url = url
        #: What readers skipped.
        self.malformed = Malformed()
        self._servers = servers

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._servers:
            await self._servers.close()
        with suppress(*CLIENT_ERRORS):
            await self.client.aclose()

    async def run(self, name: str, *args: Argument) -> Any:
        """Run script `name` with the release's prefix as its one key.

        A server that does not know the script has not run any of it, so loading and asking again is safe. Nothing
        else is ever repeated here: a lost answer is the caller's to handle, who knows whether a repeat is harmless.
        """
        return await self._answer(self._run(name, args))

    async def read(self, command: str, *args: Argument) -> Any:
        """Return the answer of one command that reads one key; a key of another type is set aside, and not there."""
        try:
            return await self._answer(self.client.execute_command(command, *args))
        except StoreRefused as error:
            if not error.detail.startswith(_WRONG_TYPE):
                raise
            await self.run("set_aside", args[0], _TYPES[command[0]])
            return await self._answer(self.client.execute_command(command, *args))

    async def read_all(self, commands: Sequence[tuple[Argument, ...]]) -> list[Any]:
        """Return the answers of several such commands, sent together; they are no transaction."""
        pipeline = self.client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        answers = await self._answer(pipeline.execute(raise_on_error=False)) if commands else []
        for number, answer in enumerate(answers):
            if isinstance(answer, Exception):  # the same once more, alone
                answers[number] = await self.read(*cast("tuple[str, Argument]", commands[number]))
        return list(answers)

    async def scan(self, command: str, key: str, count: int, match: str = "*") -> AsyncIterator[list[Any]]:
        """Yield all of a hash (HSCAN) or sorted set (ZSCAN), a batch at a time; some of it may come twice."""
        cursor = 0
        while True:
            arguments = (command, key, cursor, "MATCH", match, "COUNT", count)
            cursor, rows = await self.read(*arguments)
            yield list(rows.items()) if isinstance(rows, dict) else rows
            if not int(cursor):
                return

    async def scan_keys(self, count: int = 1_000) -> AsyncIterator[bytes]:
        """Yield every key of the release, some perhaps twice; walks all keys that the server has."""
        keys = aiter(self.client.scan_iter(match=self.keys("*"), count=count))
        while True:
            try:
                yield await self._answer(anext(keys))
            except StopAsyncIteration:
                return

    async def pop(self, key: str, timeout_s: float) -> bool:
        """Take an element off a list, waiting for one for less than ANSWER_TIMEOUT_S; False if none came."""
        try:
            return await self._answer(self.client.blpop([key], timeout=timeout_s)) is not None
        except StoreRefused as error:
            if not error.detail.startswith(_WRONG_TYPE):
                raise
            await self.run("set_aside", key, "list")
            return False

    async def _run(self, name: str, args: Sequence[Argument]) -> Any:
        try:
            return await self.client.evalsha(script.digest(name), 1, self.keys.prefix, *args)
        except NoScriptError:
            return await self.client.eval(script.source(name), 1, self.keys.prefix, *args)

    async def _answer(self, call: Awaitable[_Answer]) -> _Answer:
        """Await a call; raise what it fails of as ours, and CancelledError where the client swallowed it."""
        generation = self._servers.generation if self._servers else 0
        try:
            answer = await call
        except CLIENT_ERRORS as error:
            raise_if_cancelled()
            if self._servers and is_not_primary(error):
                await self._servers.doubt(generation)
            raise self._explain(translate(error)) from error
        except StoreFailure:
            raise_if_cancelled()
            raise
        raise_if_cancelled()
        return answer

    def _explain(self, failure: StoreFailure) -> StoreFailure:
        """Return a failure that names the file of TLS that is gone, or no good any more, where one is."""
        if self._url and isinstance(failure, StoreUnavailable):
            try:
                check_files(self._url.parameters)
            except StoreUrlError as error:
                return StoreUnavailable(error.detail)
        return failure


def pairs(flat: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Return names with their values, or members with their scores: servers answer with one flat list."""
    return list(zip(flat[::2], flat[1::2], strict=True))


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
    _check_password(sentinel_password or "")
    options = {
        **patience(timeout_s),
        "username": parsed.username,
        "password": parsed.password,
        **parsed.parameters,
    }
    keys = Keys(release)
    if parsed.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in parsed.hosts]
        return Store(ClusterClient(startup_nodes=nodes, ssl=parsed.tls, **options), keys, url=parsed)
    servers = Servers(parsed, {**options, "db": parsed.database}, sentinel_password)
    return Store(Redis(connection_pool=servers.pool), keys, servers, parsed)


def _check_password(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes of the environment that are no UTF-8
        raise StoreUrlError("The password of its Sentinels must be UTF-8.") from None
