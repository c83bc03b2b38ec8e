import asyncio

import pytest
from structlog.testing import capture_logs

from taskqueue.handlers import registry
from taskqueue.handlers.registry import Closing, Registry


async def close(*closings: Closing) -> None:
    closed = Registry()
    closed.closings.extend(closings)
    await closed.close()


async def test_closing_runs_in_reverse_and_survives_failures() -> None:
    closed: list[str] = []

    async def pool() -> None:
        closed.append("pool")

    async def broken() -> None:
        raise TimeoutError("secret")

    async def session() -> None:
        closed.append("session")

    with capture_logs() as logs:
        await close(pool, broken, session)
    assert closed == ["session", "pool"]
    assert [(entry["log_level"], entry["error"]) for entry in logs] == [("warning", "TimeoutError")]


async def test_a_hanging_function_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_CLOSE_S", 0.01)

    async def hangs() -> None:
        await asyncio.Event().wait()

    with capture_logs() as logs:
        async with asyncio.timeout(30):
            await close(hangs)
    assert [entry["event"] for entry in logs] == ["shutdown functions timed out"]
