"""kopf behind two calls: it receives only lines that it can decode, and is abandoned if it does not end."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from taskqueue_operator import watcher as watcher_module
from taskqueue_operator.items import decode
from taskqueue_operator.kopf_watch import Pulse, Target, start, watch
from taskqueue_operator.kopf_watch.lines import EXPIRED, checked
from taskqueue_operator.kopf_watch.session import Session
from taskqueue_operator.objects import Kind
from taskqueue_operator.watcher import Watcher
from tests.support.kubernetes.raw_objects import user

if TYPE_CHECKING:
    from taskqueue_operator.access.credentials import Transport

TARGET = Target(SimpleNamespace(), "g", "v1", "default")  # type: ignore[arg-type]
ADA = json.dumps({"type": "ADDED", "object": user("ada", 1)}).encode()
BOOKMARK = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}'
DEEP = ADA.replace(b'"spec": {}', b'"spec": {"a": ' + b"[" * 1_200 + b"]" * 1_200 + b"}")


def decoded(line: bytes) -> tuple[str, dict[str, Any]]:
    """Read an event as kopf and then the operator do."""
    event = json.loads(checked(line))
    return event["type"], decode(event["object"]["text"].encode())


@pytest.mark.parametrize(
    ("spec", "status"),
    [("[]", "{}"), ('{"userId": "eve"}', "[]"), ('{"userId": 1, "a": ""}', "7")],
)
def test_an_event_of_another_shape_has_its_identity(spec: str, status: str) -> None:
    odd = f'"spec": {spec}, "status": {status}'.encode()
    _, seen = decoded(ADA.replace(b'"spec": {}', odd))
    assert seen["metadata"] == user("ada", 1)["metadata"]
    assert seen["unreadable"]


def test_kopf_decodes_identities_and_the_rest_is_one_text() -> None:
    event = json.loads(checked(ADA.replace(b"{}", b'{"a": [[1]]}')))
    assert event["object"]["metadata"] == user("ada", 1)["metadata"]
    assert all(isinstance(value, str | int) for value in event["object"]["metadata"].values())
    assert isinstance(event["object"]["text"], str)
    assert checked(BOOKMARK) == BOOKMARK + b"\n"


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED"])
def test_objects_arrive_without_server_fields(kind: str) -> None:
    ada = user("ada", 1, {"a": [[1]]}, status={"b": 'é\\"'})
    ada["metadata"]["managedFields"] = [{"a": 1}]
    event, seen = decoded(json.dumps({"type": kind, "object": ada}).encode())
    del ada["metadata"]["managedFields"]
    assert (event, seen) == (kind, ada)


def test_a_deep_event_keeps_its_name_and_stays_deep() -> None:
    _, seen = decoded(DEEP)
    assert seen["metadata"] == user("ada", 1)["metadata"]
    assert json.dumps(seen).count("[") > 32


@pytest.mark.parametrize(
    "line",
    [
        b"<html>",
        b"[]",
        b'{"type":"ADDED"}',
        b'{"type":"ADDED","object":[]}',
        b'{"type":"ADDED","object":{}}',
        b'{"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}}',
        b'{"type":"BOOKMARK","object":{"metadata":{}}}',
        b'{"type":"ERROR","object":{"kind":"Status","code":500}}',
        ADA[:-20],
        ADA.replace(b"ada", b"\xff"),
    ],
)
def test_lines_without_events_make_kopf_list_again(line: bytes) -> None:
    assert checked(line) == EXPIRED


class Served:
    """A server that answers requests in turn, and a session that asks it."""

    def __init__(self) -> None:
        self.answers: list[Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]] = []
        self.listed: list[str] = []
        self.pulse = Pulse(["usersubscriptions"])
        self.authorization = "Bearer t"
        self.transport: Transport = {
            "ssl": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            "server_hostname": None,
            "proxy": None,
        }
        self.port = 0
        self.session: Session

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer t"
        return await self.answers.pop(0)(request)

    async def get(self, query: str) -> Any:
        url = f"http://127.0.0.1:{self.port}/namespaces/n/usersubscriptions?{query}"
        return await self.session.request("get", url, timeout=aiohttp.ClientTimeout(5))

    async def watch(self) -> bytes:
        answer = await self.get("watch=true")
        async with answer:
            return b"".join([data async for data in answer.content.iter_chunked(9)])


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr("taskqueue_operator.kopf_watch.session._PAUSE_S", 0)
    made = Served()
    runner = web.ServerRunner(web.Server(made.serve, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    made.session = Session(aiohttp.ClientSession(), made, made.pulse, made.listed.append, silent_s=0.3)
    yield made
    await made.session.close()
    await runner.cleanup()


def says(
    status: int, *chunks: bytes, silent: bool = False
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if silent:
            await asyncio.sleep(5)
        return response

    return answer


async def test_a_list_is_empty_and_starts_at_its_version(served: Served) -> None:
    listed = json.dumps({"items": [user("ada", 1)], "metadata": {"resourceVersion": "9", "continue": "x"}})
    served.answers = [says(200, listed.encode())]
    answer = await served.get("limit=500")
    assert await answer.json() == {"items": [], "metadata": {"resourceVersion": "9"}}
    assert served.listed == ["usersubscriptions"]


async def test_lines_arrive_whole_at_any_chunk_border(served: Served) -> None:
    whole = ADA + b"\n" + DEEP + b"\n" + BOOKMARK + b"\n"
    served.answers = [says(200, *(whole[at : at + 700] for at in range(0, len(whole), 700)))]
    before_s = served.pulse.age_s("usersubscriptions")
    assert [json.loads(line)["type"] for line in (await served.watch()).splitlines()] == [
        "ADDED",
        "ADDED",
        "BOOKMARK",
    ]
    assert served.pulse.age_s("usersubscriptions") < before_s + 1


async def test_refusals_do_not_end_kopf_and_after_some_a_list_is_due(served: Served) -> None:
    served.answers = [says(status, b"no") for status in (401, 403, 500, 503, 504, 403)]
    for _ in range(5):
        with pytest.raises(aiohttp.ClientConnectionError, match="no"):
            await served.watch()
    assert await served.watch() == EXPIRED
    served.answers = [says(500), says(200, b"<html>")]
    for _ in range(2):
        with pytest.raises(aiohttp.ClientConnectionError):
            await served.get("limit=500")
    assert served.listed == []


@pytest.mark.parametrize("status", [404, 410, 429])
async def test_kopfs_own_refusals_are_passed_on(served: Served, status: int) -> None:
    served.answers = [says(status), says(status)]
    for query in ("limit=500", "watch=true"):
        assert (await served.get(query)).status == status


async def test_a_watch_with_withheld_bytes_is_no_sign_of_life(served: Served) -> None:
    served.answers = [says(200, silent=True)]
    began_s = time.monotonic()
    with pytest.raises(aiohttp.ClientConnectionError):
        await served.watch()
    assert served.pulse.age_s("usersubscriptions") >= time.monotonic() - began_s


@pytest.mark.parametrize(
    ("chunks", "alive"),
    [
        ((), False),
        ((b"<html>login</html>",), False),
        ((b"\0\n",), False),
        ((ADA[:-9],), False),
        ((b"\n",), False),
        ((ADA + b"\n",), True),
        ((ADA,), True),
        ((BOOKMARK + b"\n",), True),
    ],
)
async def test_a_watch_that_ends_at_once_lives_by_its_events(
    served: Served, chunks: tuple[bytes, ...], alive: bool
) -> None:
    served.answers = [says(200, *chunks)]
    await asyncio.sleep(0.1)
    before_s = served.pulse.age_s("usersubscriptions")
    await served.watch()
    assert (served.pulse.age_s("usersubscriptions") < before_s) is alive


async def test_a_quiet_watch_that_ends_on_time_lives(served: Served) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(0.2)
        return response

    served.answers = [answer]
    began_s = time.monotonic()
    assert await served.watch() == b""
    assert served.pulse.age_s("usersubscriptions") < time.monotonic() - began_s


async def test_a_kopf_that_never_ends_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = asyncio.get_running_loop().create_future()

    async def deaf(**_: Any) -> None:
        while True:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                continue

    async def blocking(**_: Any) -> None:
        time.sleep(1)  # noqa: ASYNC251  (that it blocks is what is tried)

    monkeypatch.setattr(watch, "_END_S", 0.2)
    for never_ends in (deaf, blocking):
        monkeypatch.setattr("kopf.operator", never_ends)
        begun = start(TARGET, Pulse(["usersubscriptions"]), print, print, 1)
        await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            await begun.stop()
        begun.call(blocked.set_result, None)
    await asyncio.sleep(0)
    assert not blocked.done(), "a stopped watch calls nothing back"


class SilentWatch:
    """A watch without events that does not end by itself."""

    async def end(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Nothing runs."""


class WatchedSource:
    """A source whose lists succeed. relists: requests for a list at once."""

    def __init__(self) -> None:
        self.listed = asyncio.Event()
        self.listed.set()
        self.relists = 0
        self.succeeding_s = 99.0

    def put(self, kind: Kind, raw: Mapping[str, Any]) -> None:
        """No event arrives."""

    def drop(self, kind: Kind, name: str, uid: str) -> None:
        """No event arrives."""

    def request_relist(self, *, at_once: bool = False) -> None:
        self.listed.set()
        self.relists += at_once

    def listed_for_s(self) -> float:
        return self.succeeding_s


async def test_a_silent_watch_is_listed_then_restarted_then_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[SilentWatch] = []

    def begin(*_: Any) -> SilentWatch:
        started.append(SilentWatch())
        return started[-1]

    source = WatchedSource()
    monkeypatch.setattr(watcher_module, "start", begin)
    watcher = Watcher(source, TARGET.connection, "default", 0.3)
    task = asyncio.create_task(watcher.run())
    order = []
    while watcher.stuck() is None:
        order.append((source.relists > 0, len(started)))
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait([task])
    assert list(dict.fromkeys(order))[:4] == [(False, 0), (False, 1), (True, 1), (True, 2)]
    assert "the watch of RateLimit had no event" in str(watcher.stuck())
    source.succeeding_s = 0.0
    assert watcher.stuck() is None, "an API server that cannot be listed is no fault of the watch"
    source.succeeding_s = 99.0
    for plural in watcher.pulse.plurals:
        watcher.pulse.refused(plural)
    assert watcher.stuck() is None, "and a refusal is none"
