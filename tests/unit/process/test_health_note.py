"""/readyz adds a note to "ok" for a condition that does not make a process unready."""

import asyncio

import pytest

from taskqueue.bounded_http.port import Port
from taskqueue.process.health import serve_health


@pytest.mark.parametrize(
    ("fault", "note", "answer"),
    [
        (None, None, (200, "ok")),
        (None, "the global limit is closed", (200, "ok\nnote: the global limit is closed")),
        ("draining", "the global limit is closed", (503, "draining\nnote: the global limit is closed")),
    ],
)
async def test_readyz_adds_a_note_to_ok(fault: str | None, note: str | None, answer: tuple[int, str]) -> None:
    serving = await serve_health("127.0.0.1", 0, live=lambda: None, ready=lambda: fault, note=lambda: note)
    async with serving:
        assert await ask(serving, "/readyz") == answer
        assert await ask(serving, "/livez") == (200, "ok")


async def ask(serving: Port, path: str) -> tuple[int, str]:
    reader, writer = await asyncio.open_connection(*serving.sockets[0].getsockname())
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body.strip()
