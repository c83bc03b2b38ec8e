"""The guard: hosts, origins and types of requests that a page of another site can have a browser send."""

from collections.abc import Iterable

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from taskqueue_api.guard import Guard
from tests.support.api.asgi import ask

HOSTS = ["Queue.example.com"]
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
OWN = ("Origin", "http://localhost")
NAVIGATES = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
Pairs = Iterable[tuple[str, str]]


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(f"{Request(scope).method} reached")(scope, receive, send)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((host, 200) for host in ("localhost", "localhost:8090", "LOCALHOST", "127.0.0.1:1", "[::1]:8090")),
        *((host, 200) for host in ("queue.example.com", "QUEUE.example.com:443")),
        *(
            (host, 421)
            for host in ("", "evil.example", "queue.example.com.evil.example", "localhost.evil.example")
        ),
        *((host, 421) for host in ("localhost@evil.example", "evil.example#localhost", "127.0.0.1.evil")),
        *((host, 421) for host in ("evil.example@localhost", "evil.example:1@localhost:2", "localhost/x")),
        *((host, 421) for host in ("localhost?x", "localhost#x", "http://localhost", "localhost, localhost")),
        *(
            (host, 421)
            for host in ("localhost:", "localhost:abc", "localhost:65536", "localhost:-1", "localhost:1:2")
        ),
        *((host, 421) for host in ("localhost.", "local\thost", "[::1", "::1", "[localhost]", "[::1]8090")),
        *((host, 421) for host in ("0.0.0.0", "127.0.0.2")),
    ],
)
async def test_a_host_must_be_allowed(host: str, status: int) -> None:
    assert (await ask(Guard(inner, HOSTS), headers={"Host": host})).status == status


async def test_a_request_has_one_host() -> None:
    for second in ("localhost", "evil.example"):
        answer = await ask(Guard(inner, HOSTS), headers=[("Host", "localhost"), ("Host", second)])
        assert answer.status == 421


async def test_a_refused_host_is_told_the_rule() -> None:
    problem = (await ask(Guard(inner, HOSTS), headers={"Host": "evil.example@localhost"})).problem
    assert 'as HOST or HOST:PORT (was "evil.example@localhost")' in problem["detail"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([OWN], 200),
        ([("Origin", "HTTP://LocalHost")], 200),
        ([("Origin", "http://localhost:8090"), ("Host", "localhost:8090")], 200),
        ([("Origin", "null")], 403),
        ([("Origin", "http://localhost:3000")], 403),
        ([("Origin", "https://localhost")], 403),
        ([("Origin", "http://127.0.0.1")], 403),
        ([("Origin", "http://evil.example")], 403),
        ([("Origin", "")], 403),
        ([OWN, ("Origin", "http://evil.example")], 403),
        ([OWN, ("Sec-Fetch-Site", "same-origin")], 200),
        ([OWN, ("Sec-Fetch-Site", "same-site")], 403),
        ([OWN, ("Sec-Fetch-Site", "cross-site")], 403),
        ([("Sec-Fetch-Site", "none")], 200),
    ],
)
async def test_an_origin_must_be_the_own_one(headers: Pairs, status: int, method: str) -> None:
    answer = await ask(Guard(inner, HOSTS), method, "/v1/types", [*headers, JSON])
    assert answer.status == status


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 403), ("DELETE", 403)])
async def test_a_link_of_another_site_opens_a_page_and_writes_nothing(method: str, status: int) -> None:
    assert (await ask(Guard(inner, HOSTS), method, "/", [*NAVIGATES, OWN])).status == status


async def test_a_frame_of_another_site_is_refused() -> None:
    frame = [*NAVIGATES[:2], ("Sec-Fetch-Dest", "iframe")]
    assert (await ask(Guard(inner, HOSTS), "GET", "/", frame)).status == 403


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("POST", "/v1/jobs", [JSON], 200),
        ("POST", "/v1/jobs", [("Content-Type", "Application/JSON; charset=utf-8")], 200),
        ("PUT", "/v1/users", [("Content-Type", "application/x-ndjson"), ("Content-Length", "9")], 200),
        ("DELETE", "/v1/users/ada", [], 200),
        ("POST", "/v1/jobs", [], 415),
        ("POST", "/v1/jobs", [OWN, ("Content-Type", "text/plain")], 415),
        ("POST", "/v1/jobs", [("Content-Type", "application/x-www-form-urlencoded")], 415),
        ("POST", "/v1/jobs", [("Content-Type", "text/plain; application/json")], 415),
        ("PUT", "/v1/users/ada", [("Content-Length", "2")], 415),
        ("PUT", "/v1/users/ada", [("Transfer-Encoding", "chunked")], 415),
        ("POST", "/types/orders/pause", [], 403),
        ("POST", "/types/orders/pause", [JSON], 403),
        ("POST", "/types/orders/pause", [OWN], 200),
        ("POST", "/types/orders/pause", [("Sec-Fetch-Site", "same-origin")], 200),
        ("POST", "/types/orders/pause", [("Sec-Fetch-Site", "none")], 403),
        ("POST", "/sign-in", [OWN, FORM, ("Content-Length", "9")], 200),
        *(
            ("POST", "/sign-in", [OWN, ("Content-Length", "9"), ("Content-Type", name)], 415)
            for name in (
                "",
                "text/plain",
                "application/json",
                "multipart/form-data; boundary=b; charset=utf-7",
            )
        ),
    ],
)
async def test_a_write_cannot_come_from_a_form_of_another_site(
    method: str, target: str, headers: Pairs, status: int
) -> None:
    assert (await ask(Guard(inner, HOSTS), method, target, headers)).status == status


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
async def test_each_answer_has_the_headers_and_none_that_lets_others_read(host: str) -> None:
    answer = await ask(
        Guard(inner, HOSTS), "OPTIONS", "/", {"Host": host, "Access-Control-Request-Method": "PUT"}
    )
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert [name for name in answer.headers if name.startswith("access-control-")] == []


async def test_head_is_answered_as_get_without_a_body() -> None:
    answer = await ask(Guard(inner, HOSTS), "HEAD")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (
        200,
        b"",
        str(len("GET reached")),
    )
