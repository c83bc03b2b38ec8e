"""The frame of a process: the causes of its end, the order in which its parts end, and its exit code."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from taskqueue.process import frame
from taskqueue.process.frame import ExitError, Process, Start, Work, run, serve
from taskqueue.process.settings import ProcessSettings

SETTINGS = ProcessSettings(health_port=0)


@dataclass
class Program:
    """A process whose parts note their steps."""

    steps: list[str] = field(default_factory=list)

    async def idle(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.steps.append("task cancelled")

    async def drain(self) -> None:
        self.steps.append("drained")

    def process(self, *tasks: Start, settings: ProcessSettings = SETTINGS) -> Process:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Work]:
            try:
                yield Work(tasks=(self.idle, *tasks), live=lambda: None, ready=lambda: None, drain=self.drain)
            finally:
                self.steps.append("closed")

        return Process(name="test", settings=settings, open=opened)


def executed(program: Program, *tasks: Start) -> tuple[int, list[EventDict]]:
    """Run a process in this one, with its log."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "configure", lambda *_: None)
        patch.setattr(frame, "keep", lambda code: code)
        patch.setattr(frame, "leave_threads", lambda _: None)
        with capture_logs() as log:
            return run(program.process(*tasks)), log


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_ends_the_parts_in_order() -> None:
    program = Program()
    code, log = executed(program, stop)
    assert code == 0
    assert program.steps == ["drained", "task cancelled", "closed"]
    assert [entry["event"] for entry in log] == ["process started", "process stopped"]


def test_a_failed_task_ends_the_process() -> None:
    async def fail() -> None:
        raise KeyError("shop")

    program = Program()
    with pytest.raises(KeyError):
        executed(program, fail)
    assert program.steps == ["drained", "task cancelled", "closed"]


def test_an_exit_error_is_a_code_and_a_line() -> None:
    async def fail() -> None:
        raise ExitError("store refused", 3, store="s")

    code, log = executed(Program(), fail)
    assert code == 3
    assert log[-1] == {"event": "store refused", "log_level": "critical", "store": "s"}


def test_a_task_that_returns_changes_nothing() -> None:
    async def stop_later() -> None:
        await asyncio.sleep(0.05)
        await stop()

    async def end() -> None:
        return

    program = Program()
    assert executed(program, end, stop_later)[0] == 0


def test_a_taken_health_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = ProcessSettings(health_port=port)
        with pytest.raises(ExitError) as refused:
            asyncio.run(serve(Program().process(settings=settings), asyncio.Event()))
    assert refused.value.fields["port"] == port


def _cancel_all() -> None:
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()


def _replace_handler() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@pytest.mark.parametrize(
    ("act", "event"),
    [
        (_cancel_all, "process cancelled by user code, going on"),
        (_replace_handler, "signal handlers replaced by user code, installed again"),
    ],
)
def test_user_code_cannot_end_the_process(
    act: Callable[[], None], event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "_SIGNALS_S", 0.01)

    program = Program()

    async def interfere(log: list[EventDict]) -> None:
        async def until(awaited: str) -> None:
            async with asyncio.timeout(30):
                while awaited not in {entry["event"] for entry in log}:  # noqa: ASYNC110 - a list has no event
                    await asyncio.sleep(0.005)

        try:
            await until("process started")
            act()
            await until(event)
        finally:
            await stop()

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        # No task of the process, for which a cancellation would be the end of both.
        interfering = asyncio.create_task(interfere(log))
        yield Work(tasks=(), live=lambda: None, ready=lambda: None, drain=program.drain)
        await interfering

    with capture_logs() as log:
        asyncio.run(serve(Process(name="test", settings=SETTINGS, open=opened), asyncio.Event()))
    assert program.steps == ["drained"]


def test_a_task_that_ignores_its_cancellation_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "CANCEL_S", 0.05)

    async def stubborn() -> None:
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    _, log = executed(Program(), stubborn, stop)
    assert "tasks still running" in {entry["event"] for entry in log}
