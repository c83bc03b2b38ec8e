"""User code that would end the event loop: the worker's own task goes on until it is done."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop
from structlog.testing import capture_logs

from taskqueue_worker.liveness import event_loop
from taskqueue_worker.liveness.event_loop import run_to_end


async def raise_(error: BaseException) -> None:
    raise error


def leaked_task(error: BaseException) -> Callable[[], object]:
    return lambda: asyncio.get_running_loop().create_task(raise_(error))


def callback(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return lambda: asyncio.get_running_loop().call_soon(fail)


def timer(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return lambda: asyncio.get_running_loop().call_later(0.001, fail)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def _loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "_new_loop", request.param)
    monkeypatch.setattr(event_loop, "_LOG_EACH_S", 3_600.0)


@pytest.mark.usefixtures("_loop")
@pytest.mark.parametrize(
    "interrupt",
    [
        leaked_task(SystemExit(3)),
        leaked_task(KeyboardInterrupt()),
        callback(SystemExit(3)),
        callback(KeyboardInterrupt()),
        timer(SystemExit(3)),
        lambda: asyncio.get_running_loop().stop(),
    ],
    ids=[
        "task exits",
        "task is interrupted",
        "callback exits",
        "callback is interrupted",
        "timer exits",
        "stop",
    ],
)
def test_the_loop_goes_on(interrupt: Callable[[], object]) -> None:
    steps: list[int] = []

    async def main() -> None:
        for step in range(3):
            interrupt()
            beside = asyncio.create_task(asyncio.sleep(0.002, step))
            await asyncio.sleep(0.005)
            steps.append(await beside)

    with capture_logs() as logs:
        run_to_end(main())
    assert steps == [0, 1, 2]
    assert [entry["event"] for entry in logs] == ["event loop interrupted by user code, going on"]


@pytest.mark.usefixtures("_loop")
@pytest.mark.parametrize("error", [OSError("taken"), SystemExit(3)])
def test_an_exception_of_the_main_task_arrives(error: BaseException) -> None:
    with pytest.raises(type(error)):
        run_to_end(raise_(error))


@pytest.mark.usefixtures("_loop")
def test_tasks_left_behind_do_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "_LEFTOVERS_S", 0.05)
    ended: list[str] = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                ended.append("not")

    async def tidy() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("tidy")

    kept: list[asyncio.Task[None]] = []

    async def main() -> None:
        works: list[Coroutine[Any, Any, None]] = [stubborn(), tidy(), raise_(SystemExit())]
        kept.extend(asyncio.create_task(work) for work in works)
        await asyncio.sleep(0)

    run_to_end(main())
    assert sorted(ended) == ["not", "tidy"]


@pytest.mark.parametrize(
    "source",
    [
        (
            "from taskqueue_worker.liveness.event_loop import run_to_end\n"
            "async def main():\n"
            "    child = os.fork()\n"
            "    if child == 0:\n"
            "        await asyncio.sleep(60)\n"
            "    ended(child)\n"
            "run_to_end(main())"
        ),
        (
            "from taskqueue.testing import run_handler\n"
            "def handle(job):\n"
            "    child = os.fork()\n"
            "    if child:\n"
            "        ended(child)\n"
            "run_handler(handle)"
        ),
    ],
    ids=["loop", "thread"],
)
def test_a_fork_returning_from_a_handler_ends(source: str) -> None:
    ended = "def ended(child): print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    script = f"import asyncio, os\n{ended}\n{source}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.split() == ["70"]
