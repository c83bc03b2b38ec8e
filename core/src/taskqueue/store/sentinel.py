"""The address of a service's primary, by its Sentinels.

Each Sentinel answers with its own configuration; after a failover a Sentinel that is cut off still has the former one,
so the answer of the highest configuration epoch counts, and without a majority of answers also an epoch seen before.
Sentinels announce events, and are asked each second after a sign of trouble: a former primary goes on answering for
seconds, and the writes that it acknowledges then are lost. So no call is sent to it from the moment at which a replica
is about to be promoted, until the promotion was seen or failed.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from taskqueue.store.address import Address
from taskqueue.store.errors import CLIENT_ERRORS, StoreFailure, StoreRefused, StoreUnavailable, translate
from taskqueue.store.redis_client import SentinelClient

#: The answer of a Sentinel counts within this time.
_ANSWER_S = 1.0
#: Asked again this often while odd, and this often when all is quiet.
_ODD_S, _QUIET_S = 1.0, 10.0
#: How long after the last sign of it a state counts as odd.
_ODD_FOR_S = 5.0
#: Announced by the Sentinel that leads a failover, up to 0.1 s before it promotes a replica; it looks each second
#: whether that was done, and gives up with an event that begins with -failover-abort.
_PROMOTING, _ABORTED = "+failover-state-send-slaveof-noone", "-failover-abort"
_PROMOTING_MAX_S = 3.0

#: The end of a Sentinel's answer about a service that it does not watch.
_NO_SUCH_SERVICE = "No such master with that name"

_Known = tuple[int, Address]
#: By service and Sentinels: the highest configuration epoch that any store of this process has seen, and its primary.
_seen: dict[tuple[str, tuple[Address, ...]], _Known] = {}


#: Awaited to have every connection to a former primary closed.
Moved = Callable[[], Awaitable[None]]


class Primary:
    """The address of a service's primary, as the Sentinels at these addresses know it."""

    def __init__(self, service: str, sentinels: Mapping[Address, SentinelClient], moved: Moved) -> None:
        self._service = service
        self._key = (service, tuple(sentinels))
        self._sentinels = [*sentinels.values()]
        self._moved = moved
        self._address: Address | None = None
        #: The last answer of a Sentinel that did not know the primary; a refusal rather than silence.
        self._failure: StoreFailure | None = None
        self._odd = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._asking = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def address(self) -> Address:
        """Return the address to connect to; the first call asks, and a call amid a promotion waits for its end.

        Raises StoreUnavailable while no Sentinel knows the primary, StoreRefused if a Sentinel refused the question.
        """
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._follow())]
            self._tasks += [asyncio.create_task(self._listen(one)) for one in self._sentinels]
        if self._address is None:
            await self._ask()
        if not self._settled.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PROMOTING_MAX_S):
                    await self._settled.wait()
            self._settled.set()
        if self._address is None:
            hosts = ", ".join(f"{host}:{port}" for host, port in self._key[1])
            unknown = f"no Sentinel at {hosts} knows a primary of {self._service!r}"
            if isinstance(self._failure, StoreRefused) and not self._failure.detail.endswith(
                _NO_SUCH_SERVICE
            ):
                raise StoreRefused(f"{unknown}: {self._failure.detail}")
            raise StoreUnavailable(f"{unknown}: {self._failure.detail}" if self._failure else unknown)
        return self._address

    def request_check(self) -> None:
        """Ask the Sentinels at once: the primary behaves like a former one."""
        self._odd.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sentinel in self._sentinels:
            with contextlib.suppress(*CLIENT_ERRORS):
                await sentinel.aclose()

    async def _follow(self) -> None:
        """Ask until cancelled: at once after a sign of trouble, and each second for a while."""
        now_s = asyncio.get_running_loop().time
        odd_until_s = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ODD_S if now_s() < odd_until_s else _QUIET_S):
                    await self._odd.wait()
            if self._odd.is_set():
                self._odd.clear()
                odd_until_s = now_s() + _ODD_FOR_S
            await self._ask()

    async def _listen(self, sentinel: SentinelClient) -> None:
        """Take every event of a Sentinel about this service for a sign."""
        while True:
            with contextlib.suppress(*CLIENT_ERRORS):
                async with sentinel.pubsub(ignore_subscribe_messages=True) as events:
                    await events.psubscribe("*")
                    async for message in events.listen():
                        if self._service in str(message["data"]).split():
                            await self._hear(str(message["channel"]))
            self._odd.set()
            await asyncio.sleep(_ODD_S)

    async def _hear(self, event: str) -> None:
        self._odd.set()
        if event.startswith(_ABORTED):
            self._settled.set()
        elif event == _PROMOTING:
            self._settled.clear()
            await self._moved()

    async def _ask(self) -> None:
        async with self._asking:
            self._failure = None
            answers = await asyncio.gather(*(self._opinion(one) for one in self._sentinels))
            known = [answer for answer in answers if answer is not None]
            seen = _seen.get(self._key)
            if seen and 2 * len(known) <= len(
                answers
            ):  # the Sentinels that answer may be cut off from the majority
                known.append(seen)
            if not known:
                return
            epoch, address = max(known, key=lambda answer: answer[0])
            _seen[self._key] = epoch, address
            before, self._address = self._address, address
        if before not in {None, address}:
            self._settled.set()
            await self._moved()

    async def _opinion(self, sentinel: SentinelClient) -> _Known | None:
        """Return the configuration epoch and primary that one Sentinel knows."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                state = await sentinel.execute_command("SENTINEL", "MASTER", self._service)
                host, port = await sentinel.execute_command(
                    "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service
                )
                return int(_field(state, "config-epoch")), (str(host), int(port))
        except CLIENT_ERRORS as error:
            failure = translate(error)
            if not isinstance(self._failure, StoreRefused) or isinstance(failure, StoreRefused):
                self._failure = failure
            return None


def following(kind: type[Any], primary: Primary) -> type[Any]:
    """Return a class of connections, derived from a class of the client, which go to the primary of the moment."""

    class Following(kind):  # type: ignore[misc]
        async def connect(self) -> None:
            if not self.is_connected:
                self.host, self.port = await primary.address()
            await super().connect()

    return Following


def _field(state: Any, name: str) -> str:
    """Return a field of SENTINEL MASTER, whose answer is a map, or a list of names and values."""
    if isinstance(state, dict):
        return str(state[name])
    return str(state[list(state).index(name) + 1])
