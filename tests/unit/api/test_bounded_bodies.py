"""Bodies are bounded in size and time; of NDJSON each line is."""

import asyncio
from collections.abc import Iterable

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from taskqueue_api import bounded_bodies
from taskqueue_api.bounded_bodies import BoundedBodies
from tests.support.api.asgi import ask

LINES = {"Content-Type": "application/x-ndjson; charset=utf-8"}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CHUNKED = {"Transfer-Encoding": "chunked"}


async def inner(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the size of the body, or with the status of the error."""
    try:
        size = str(len(await Request(scope, receive).body()))
        status = 200
    except HTTPException as error:
        size, status = error.detail, error.status_code
    await PlainTextResponse(size, status)(scope, receive, send)


@pytest.mark.parametrize(
    ("headers", "chunks", "status"),
    [
        (JSON | {"Content-Length": "10"}, [b"1234567890"], 200),
        (JSON | {"Content-Length": "11"}, [b"12345678901"], 413),
        (JSON | CHUNKED, [b"12345", b"67890"], 200),
        (JSON | CHUNKED, [b"12345", b"678901"], 413),
        (CHUNKED, [b"1\n2345", b"678901"], 413),
        (FORM | {"Content-Length": "5"}, [b"a=123"], 200),
        (FORM | {"Content-Length": "6"}, [b"a=1234"], 413),
        (FORM | CHUNKED, [b"a=1", b"&b="], 413),
        (LINES | {"Content-Length": "99"}, [b"123456789\n"] * 10, 200),
        (LINES | CHUNKED, [b"12345", b"67890\n", b"1234567890"], 200),
        (LINES | CHUNKED, [b"12345", b"678901"], 413),
        (LINES | CHUNKED, [b"1\n", b"12345678901\n1\n"], 413),
        (LINES | CHUNKED, [b"1\n12345", b"67890", b"1\n"], 413),
        ({}, [], 200),
    ],
)
async def test_a_unit_has_a_size(
    headers: dict[str, str], chunks: Iterable[bytes], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_bodies, "MAX_UNIT_BYTES", 10)
    monkeypatch.setattr(bounded_bodies, "MAX_FORM_BYTES", 5)
    answer = await ask(BoundedBodies(inner), "PUT", "/", headers, chunks)
    assert answer.status == status, answer.body
    assert ("Connection" in answer.headers) is (status != 200)


@pytest.mark.parametrize(("headers", "status"), [(JSON, 408), (LINES, 200)])
async def test_a_unit_has_a_time(
    headers: dict[str, str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_bodies, "MAX_UNIT_S", 0.2)
    size = 0

    async def drips(scope: Scope, _: Receive, send: Send) -> None:
        async def receive() -> dict[str, object]:
            nonlocal size
            size += 2
            await asyncio.sleep(0.05)
            return {"type": "http.request", "body": b"1\n", "more_body": size < 20}

        await BoundedBodies(inner)(scope, receive, send)

    answer = await ask(drips, "PUT", "/", headers | CHUNKED)
    assert answer.status == status
