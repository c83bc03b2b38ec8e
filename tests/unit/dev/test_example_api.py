"""The example API is the judge of the limit, so it is judged here first."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.dev.example_api import arrivals
from taskqueue.dev.example_api import connection as connections
from taskqueue.dev.example_api.arrivals import Arrivals
from taskqueue.dev.example_api.connection import Connection
from taskqueue.dev.example_api.sliding_window import SECOND_NS, SlidingWindow

GET = b"GET /v1/orders HTTP/1.1\r\n\r\n"


@dataclass
class Wire:
    """The far side of one connection: what the server wrote, and whether it hung up."""

    connection: Connection
    sent: bytes = b""
    closed: bool = False
    paused: bool = False
    aborted: bool = False
    wrote: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.connection.connection_made(cast("asyncio.Transport", self))

    def write(self, data: bytes) -> None:
        self.sent += data
        self.wrote.set()

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def ask(self, data: bytes) -> list[tuple[int, bytes]]:
        """Send bytes; return status and body of each answer to them."""
        self.sent = b""
        self.connection.data_received(data)
        return answers(self.sent)


class Clock:
    """Stands in for the module `time`; both clocks move only when a test moves them."""

    now_ns = 1_000 * SECOND_NS

    def monotonic_ns(self) -> int:
        return self.now_ns

    def time_ns(self) -> int:
        return self.now_ns + 1_700_000_000 * SECOND_NS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(connections, "time", made)
    monkeypatch.setattr(arrivals, "time", made)
    return made


def wire(ledger: Arrivals | None = None, rate: int = 1_000_000) -> Wire:
    return Wire(Connection(ledger or Arrivals(rate)))


def answers(raw: bytes) -> list[tuple[int, bytes]]:
    found = []
    while raw:
        head, raw = raw.split(b"\r\n\r\n", 1)
        length = next(int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length: "))
        found.append((int(head[9:12]), raw[:length]))
        raw = raw[length:]
    return found


def get_json(wire: Wire, path: str) -> Any:
    ((status, body),) = wire.ask(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    assert status == 200
    return json.loads(body)


def recorded(ledger: Arrivals, start: int = 0) -> list[list[Any]]:
    return [json.loads(line) for line in ledger.lines(start).splitlines()]


# --- the window ---


@given(
    st.lists(st.integers(0, SECOND_NS // 2) | st.sampled_from([0, 1, SECOND_NS - 1, SECOND_NS]), max_size=60)
)
@settings(max_examples=200)
def test_the_window_agrees_with_counting_every_second_by_hand(gaps_ns: list[int]) -> None:
    window = SlidingWindow()
    stamps: list[int] = []
    for gap_ns in gaps_ns:
        stamps.append((stamps[-1] if stamps else 0) + gap_ns)
        assert window.add(stamps[-1]) == sum(stamp > stamps[-1] - SECOND_NS for stamp in stamps)
    starts = {stamp + shift for stamp in stamps for shift in (-SECOND_NS, -1, 0, 1)}
    by_hand = max((sum(start <= s < start + SECOND_NS for s in stamps) for start in starts), default=0)
    assert (window.worst, window.requests) == (by_hand, len(stamps))


def test_the_window_holds_no_more_than_a_second() -> None:
    window = SlidingWindow()
    for number in range(10_000):
        window.add(number * SECOND_NS // 100)
    assert len(window._recent_ns) == window.worst == 100


# --- the limit ---


def test_a_request_above_the_rate_is_refused_with_a_delay(clock: Clock) -> None:
    client = wire(rate=3)
    assert [status for status, _ in client.ask(GET * 4)] == [200, 200, 200, 429]
    assert b"Retry-After: 1\r\n" in client.sent
    clock.now_ns += SECOND_NS - 1
    assert client.ask(GET) == [(429, b'{"error": "rate limit exceeded"}')]
    clock.now_ns += SECOND_NS
    assert client.ask(GET) == [(200, b"{}")]


def test_all_connections_share_one_limit(clock: Clock) -> None:
    ledger = Arrivals(2)
    assert [wire(ledger).ask(GET)[0][0] for _ in range(3)] == [200, 200, 429]


def test_stats_count_arrivals_in_total_and_by_type(clock: Clock) -> None:
    client = wire(rate=2)
    for kind, ms in (("a", 0), ("a", 400), ("b", 400), ("a", 400)):
        clock.now_ns += ms * 1_000_000
        client.ask(b"GET /x?type=%s HTTP/1.1\r\n\r\n" % kind.encode())
    clock.now_ns += 300_000_000
    assert get_json(client, "/-/stats") == {
        "rate": 2,
        "requests": 4,
        "rejected": 2,
        "worst": 3,
        "per_key": {"a": {"requests": 3, "worst": 2}, "b": {"requests": 1, "worst": 1}},
        "seconds": 1.5,
        "span_s": 1.2,
        "recorded": 4,
        "unrecorded": 0,
    }


def test_reset_forgets_arrivals_and_keeps_the_rate(clock: Clock) -> None:
    client = wire(rate=2)
    client.ask(GET * 5)
    assert client.ask(b"POST /-/reset HTTP/1.1\r\nContent-Length: 0\r\n\r\n") == [(200, b"{}")]
    stats = get_json(client, "/-/stats")
    assert (stats["requests"], stats["worst"], stats["rate"], stats["seconds"]) == (0, 0, 2, 0.0)
    assert [status for status, _ in client.ask(GET * 3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("body", "status", "rate"),
    [
        (b'{"rate": 7}', 200, 7),
        (b'{"rate": 0}', 400, 5),
        (b'{"rate": "7"}', 400, 5),
        (b"{}", 400, 5),
        (b"", 400, 5),
    ],
)
def test_the_limit_is_changed_by_a_good_body_only(body: bytes, status: int, rate: int) -> None:
    ledger = Arrivals(5)
    request = b"POST /-/limit HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert wire(ledger).ask(request + body)[0][0] == status
    assert ledger.rate == rate


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nX-Taskqueue-User: u-1\r\nX-Taskqueue-Limits: a, b\r\n\r\n",
        b"GET /?user=u-1&limits=a,b HTTP/1.1\r\n\r\n",
    ],
    ids=["headers", "query"],
)
def test_a_request_takes_from_the_limits_that_it_names(clock: Clock, request_: bytes) -> None:
    body = b'{"limits": [{"name": "a", "per_second": 100}, {"name": "b", "per_second": 0.1, "key": "User"}]}'
    client = wire()
    assert client.ask(b"POST /-/limits HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body) == [
        (200, b"{}")
    ]
    clock.now_ns += SECOND_NS
    assert client.ask(request_) == [(200, b"{}")]
    assert client.ask(request_) == [(429, b'{"error":"rate limit exceeded","limit":"b"}')]
    assert b"Retry-After: 10\r\n" in client.sent
    assert {one["name"]: one["requests"] for one in get_json(client, "/-/limits")["limits"]} == {
        "a": 2,
        "b": 2,
    }
    assert get_json(client, "/-/limits?name=b")["u-1"]["worst_burst"] == 2.0
    assert get_json(client, "/-/stats")["rejected"] == 1


# --- what is recorded ---


def test_an_arrival_is_recorded_as_its_headers_say(clock: Clock) -> None:
    ledger = Arrivals(10)
    wire(ledger).ask(
        b"PUT /v1/orders?type=no&user=u-9&x=1 HTTP/1.1\r\nx-taskqueue-TYPE: orders\r\n"
        b"X-Taskqueue-Occurrence: 1700000000\r\nX-Taskqueue-Attempt: 2\r\n\r\n"
    )
    wire(ledger).ask(b"GET / HTTP/1.1\r\nX-Taskqueue-Attempt: many\r\n\r\n")
    wall_us = clock.time_ns() // 1000
    assert recorded(ledger) == [
        [wall_us, "orders", "u-9", 1_700_000_000, 2, "/v1/orders"],
        [wall_us, None, None, None, None, "/"],
    ]


def test_arrivals_are_given_from_any_number_on() -> None:
    client = wire()
    client.ask(b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(5)))
    ((_, body),) = client.ask(b"GET /-/arrivals?from=3 HTTP/1.1\r\n\r\n")
    assert [json.loads(line)[5] for line in body.splitlines()] == ["/3", "/4"]


def test_the_record_is_bounded_and_counts_omissions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MAX_ARRIVALS", 3)
    monkeypatch.setattr(arrivals, "MAX_TYPES", 2)
    client = wire()
    client.ask(b"".join(b"GET /?type=t%d HTTP/1.1\r\n\r\n" % number for number in range(5)))
    stats = get_json(client, "/-/stats")
    assert (stats["requests"], stats["recorded"], stats["unrecorded"]) == (5, 3, 2)
    assert {key: counts["requests"] for key, counts in stats["per_key"].items()} == {"t0": 1, "t1": 1, "": 3}


def test_control_requests_are_not_counted() -> None:
    client = wire()
    assert get_json(client, "/-/stats")["requests"] == 0
    assert client.ask(b"GET /-/nothing HTTP/1.1\r\n\r\n")[0][0] == 404
    assert get_json(client, "/-/stats")["requests"] == 0


# --- HTTP ---

STREAM = (
    b"POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nGET /no\r\n"
    b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n"
    b"DELETE /c HTTP/1.1\r\n\r\n"
    b"PATCH /d HTTP/1.1\r\ncontent-length:   4\r\n\r\n\r\n\r\n"
)


@given(st.sets(st.integers(1, len(STREAM) - 1)))
def test_however_the_stream_is_cut_each_request_counts_once(cuts: set[int]) -> None:
    ledger = Arrivals(100)
    client = wire(ledger)
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        client.connection.data_received(STREAM[start:end])
    assert answers(client.sent) == [(200, b"{}")] * 4
    assert [line[5] for line in recorded(ledger)] == ["/a", "/b", "/c", "/d"]


@given(
    st.binary(max_size=200)
    | st.builds(lambda b: b"GET /?" + b + b" HTTP/1.1\r\n" + b + b"\r\n\r\n", st.binary())
)
def test_no_bytes_at_all_make_the_server_fail(data: bytes) -> None:
    ledger = Arrivals(100)
    client = wire(ledger)
    client.connection.data_received(data)
    ledger.stats()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"HELLO\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, 431),
    ],
)
def test_a_malformed_request_is_refused_uncounted(request_: bytes, status: int) -> None:
    ledger = Arrivals(100)
    client = wire(ledger)
    assert [found for found, _ in client.ask(request_ + GET)] == [status]
    assert client.closed
    assert recorded(ledger) == []


@pytest.mark.parametrize(
    "request_", [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\n"]
)
def test_a_closing_client_gets_no_further_answer(request_: bytes) -> None:
    client = wire()
    assert client.ask(request_ + GET) == [(200, b"{}")]
    assert client.closed


def test_a_body_is_counted_and_not_kept() -> None:
    ledger = Arrivals(100)
    client = wire(ledger)
    part = b"x" * 100_000
    client.connection.data_received(b"POST /a HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n")
    for _ in range(99):
        assert client.ask(part) == []
        assert len(client.connection._buffer) < 100
    assert client.ask(part + GET) == [(200, b"{}")] * 2
    assert [line[5] for line in recorded(ledger)] == ["/a", "/v1/orders"]


@pytest.mark.parametrize(
    ("sent", "stays_s", "goes_s"),
    [
        (b"", 5, 6),
        (GET[:5], 5, 6),
        (b"POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nx", 5, 6),
        (GET, 60, 61),
        (GET + GET[:5], 5, 6),
        (GET.replace(b"orders", b"orders?sleep_ms=600000"), 600, None),
    ],
    ids=["nothing", "half a head", "half a body", "a request", "a request and a half", "one that waits"],
)
async def test_a_slow_client_is_disconnected(
    clock: Clock, sent: bytes, stays_s: int, goes_s: int | None
) -> None:
    client = wire()
    client.connection.data_received(sent)
    began_ns = clock.now_ns
    for after_s, aborted in ((stays_s, False), (goes_s, True)):
        if after_s is not None:
            client.connection.expire(began_ns + after_s * SECOND_NS)
            assert client.aborted is aborted


def test_a_client_that_does_not_read_is_disconnected(clock: Clock) -> None:
    client = wire()
    client.ask(GET)
    client.connection.pause_writing()
    assert client.paused
    client.connection.resume_writing()
    assert not client.paused
    client.connection.pause_writing()
    client.connection.expire(clock.now_ns + 6 * SECOND_NS)
    assert client.aborted


async def test_a_client_with_too_many_delayed_answers_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_WAITING", 3)
    client = wire()
    delayed = b"GET /?sleep_ms=1 HTTP/1.1\r\n\r\n"
    client.connection.data_received(2 * delayed)
    assert not client.paused
    client.connection.data_received(delayed)
    assert client.paused
    while client.paused:
        client.wrote.clear()
        await client.wrote.wait()
        await asyncio.sleep(0)


def test_of_too_many_clients_the_longest_idle_goes(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 3)
    together: set[Connection] = set()
    clients = []
    for _ in range(3):
        clients.append(Wire(Connection(Arrivals(100), together)))
        clock.now_ns += SECOND_NS
    clients[0].ask(GET)
    clients.append(Wire(Connection(Arrivals(100), together)))
    assert [one.aborted for one in clients] == [False, True, False, False]
    clients[0].connection.connection_lost(None)
    clients.append(Wire(Connection(Arrivals(100), together)))
    assert [one.aborted for one in clients] == [False, True, False, False, False]


def test_head_is_answered_without_a_body() -> None:
    client = wire()
    client.connection.data_received(b"HEAD / HTTP/1.1\r\n\r\n")
    assert client.sent.endswith(b"Content-Length: 2\r\n\r\n")


async def test_a_slow_answer_delays_only_its_connection() -> None:
    ledger = Arrivals(1)
    slow, other = wire(ledger), wire(ledger)
    assert slow.ask(b"GET /?sleep_ms=5 HTTP/1.1\r\n\r\n" + GET) == []
    assert other.ask(GET)[0][0] == 429
    await slow.wrote.wait()
    assert [status for status, _ in answers(slow.sent)] == [200, 429]
    assert not slow.closed


async def test_a_connection_ends_after_its_last_slow_answer() -> None:
    client = wire()
    assert client.ask(b"GET /?sleep_ms=5 HTTP/1.1\r\nConnection: close\r\n\r\n") == []
    assert not client.closed
    await client.wrote.wait()
    assert answers(client.sent) == [(200, b"{}")]
    assert client.closed


def test_ten_thousand_requests_cost_less_than_a_second_of_cpu() -> None:
    client = wire()
    request = (
        b"GET /v1/a?b=c HTTP/1.1\r\nHost: h\r\nX-Taskqueue-Type: t\r\nX-Taskqueue-User: u\r\nA: b\r\n\r\n"
    )
    began_s = time.process_time()
    for _ in range(10_000):
        client.connection.data_received(request)
    assert time.process_time() - began_s < 1.0
    assert get_json(client, "/-/stats")["requests"] == 10_000


# --- the process ---


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    command = [sys.executable, "-m", "taskqueue.dev.example_api", "--port", "0", "--rate", "3"]
    with subprocess.Popen(
        [*command, "--record", str(tmp_path / "record.jsonl")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("listening 127.0.0.1:")
        yield process, int(line.split(":")[1])
        process.kill()


async def test_the_process_counts_real_requests_and_stops_at_once(
    server: tuple["subprocess.Popen[str]", int], tmp_path: Path
) -> None:
    process, port = server
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:

        async def status(number: int) -> int:
            headers = {"X-Taskqueue-Type": "t", "X-Taskqueue-User": f"u-{number}"}
            async with client.post("/v1/x?sleep_ms=1", json={"n": number}, headers=headers) as response:
                return response.status

        assert sorted(await asyncio.gather(*map(status, range(5)))) == [200, 200, 200, 429, 429]
        async with client.get("/-/stats") as response:
            stats = await response.json()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 5) == 0
    assert (stats["requests"], stats["rejected"], stats["worst"]) == (5, 2, 5)
    lines = [json.loads(line) for line in (tmp_path / "record.jsonl").read_text().splitlines()]
    assert sorted(line[2] for line in lines) == [f"u-{number}" for number in range(5)]
