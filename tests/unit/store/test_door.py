"""The one door to Redis: typed answers, and no command of the client past it."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from taskqueue.store.audit import audit
from taskqueue.store.clients import MAX_CONNECTIONS
from taskqueue.store.command import Command, get, hgetall, hmget, hscan, type_of, zrange_scores, zscan, zscore
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreCorrupt, StoreRefused
from taskqueue.store.keys import Keys

ROOT = Path(__file__).parents[3]
#: Methods of redis-py's clients.
CALLS = re.compile(r"\.(execute_command|evalsha|pipeline|blpop|scan_iter|pubsub|send_command)\(")
#: The door, its connections, and the Sentinels that name the primary.
DOOR = {"connection.py", "servers.py", "sentinel.py"}


class Answering:
    """A client with one answer to every command."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    async def execute_command(self, *_: object) -> Any:
        return self.answer

    def pipeline(self, transaction: bool) -> Any:
        raise NotImplementedError

    def scan_iter(self, match: str, count: int) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None: ...


class Busy(Answering):
    """A client that answers in the next round of the loop.   most: calls at the same time, at most."""

    def __init__(self) -> None:
        super().__init__(b"1")
        self.running = self.most = 0

    async def execute_command(self, *_: object) -> Any:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(0)
        finally:
            self.running -= 1
        return self.answer


def store(answer: object) -> Store:
    return Store(Answering(answer), Keys("shop"))


@pytest.mark.parametrize(
    ("command", "answer", "value"),
    [
        (get("k"), b"1", b"1"),
        (get("k"), None, None),
        (hgetall("k"), {b"a": b"1"}, {b"a": b"1"}),
        (hmget("k", "a", "b"), [b"1", None], [b"1", None]),
        (zscore("k", "a"), 1.5, 1.5),
        (zrange_scores("k", 0, 9), [b"a", b"1", b"b", b"inf"], [(b"a", 1.0), (b"b", float("inf"))]),
        (type_of("k"), b"zset", b"zset"),
        (hscan("k", 9).at(0), (7, {b"a": b"1"}), (7, [(b"a", b"1")])),
        (zscan("k", 9).at(0), (0, [(b"a", 1.0)]), (0, [(b"a", 1.0)])),
    ],
)
async def test_a_command_has_a_typed_answer(command: Command[Any], answer: object, value: object) -> None:
    assert await store(answer).read(command) == value


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (get("k"), 5),
        (hgetall("k"), [b"a"]),
        (hmget("k", "a"), {b"a": b"1"}),
        (zscore("k", "a"), []),
        (zrange_scores("k", 0, 9), [b"a"]),
        (zrange_scores("k", 0, 9), [b"a", b"high"]),
        (hscan("k", 9).at(0), b"0"),
        (zscan("k", 9).at(0), (0, [b"a"])),
    ],
)
async def test_an_answer_of_another_shape_is_refused(command: Command[Any], answer: object) -> None:
    with pytest.raises(StoreRefused, match="its answer cannot be read"):
        await store(answer).read(command)


@pytest.mark.parametrize("answer", [None, 7, b"", b"\x90", b"\xc1"])
async def test_a_script_answer_of_another_shape_is_corrupt(answer: object) -> None:
    with pytest.raises(StoreCorrupt, match="the answer of audit"):
        await audit(store(answer))


def test_no_command_of_the_client_is_called_past_the_door() -> None:
    sources = [
        path for part in ("core", "operator", "worker") for path in (ROOT / part / "src").rglob("*.py")
    ]
    past = [
        f"{path.name}:{number}"
        for path in sources
        if path.name not in DOOR or path.parent.name != "store"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if CALLS.search(line)
    ]
    assert len(sources) > 100
    assert past == []


async def test_calls_beyond_the_connections_wait_for_their_turn() -> None:
    client = Busy()
    busy = Store(client, Keys("shop"))
    calls = [asyncio.create_task(busy.read(get("k"))) for _ in range(5 * MAX_CONNECTIONS)]
    await asyncio.sleep(0)
    for call in calls[::3]:
        call.cancel()  # of those that run, and those that wait
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [one for number, one in enumerate(answers) if number % 3] == [b"1"] * (len(calls) * 2 // 3)
    assert client.most == MAX_CONNECTIONS
    assert await busy.read(get("k")) == b"1"
