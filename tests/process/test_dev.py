"""`taskqueue dev` as a person runs it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from taskqueue.dev.allocator import preload
from taskqueue.dev.stack import CONSOLE_PORT
from tests.support.process.own_time import OwnTime
from tests.support.store.backlog import server

MANIFESTS = """
apiVersion: taskqueue.dev/v1alpha1
kind: TaskType
metadata: {name: fetch}
spec: {schedule: {interval: 2s}, handler: {function: fetch}}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: u-1}
spec: {tasks: [{type: fetch}]}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: u-2}
spec: {tasks: [{type: fetch}]}
"""

HANDLERS = """
import os
import urllib.request
from pathlib import Path
from taskqueue.handlers import Job, handler, on_shutdown

@on_shutdown
async def close() -> None:
    Path(__file__).with_name(f"closed-{os.getpid()}").touch()

@handler("fetch")
def fetch(job: Job) -> None:
    urllib.request.urlopen(os.environ["TASKQUEUE_EXAMPLE_API_URL"] + "/x").read()
"""


async def start_dev(folder: Path, *arguments: str, handlers: str = HANDLERS) -> asyncio.subprocess.Process:
    (folder / "tasks.yaml").write_text(MANIFESTS)
    (folder / "handlers.py").write_text(handlers)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "taskqueue.cli.main", "dev", str(folder), "--json", "--rate", "20", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
    )


async def until_said(process: asyncio.subprocess.Process, words: str) -> str:
    """Return the first line of standard error with these words."""
    assert process.stderr is not None
    async with asyncio.timeout(40):
        async for line in process.stderr:
            if words in line.decode():
                return line.decode()
    raise AssertionError(words)


async def end_of(process: asyncio.subprocess.Process, folder: Path) -> tuple[int, str, str]:
    """Return exit code, and what is left of standard output and standard error."""
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    assert left_behind(folder) == []
    return process.returncode, out.decode(), err.decode()


async def run_dev(
    folder: Path,
    *arguments: str,
    handlers: str = HANDLERS,
    interrupt_after: str = "",
    interrupt: int = signal.SIGINT,
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    process = await start_dev(folder, *arguments, handlers=handlers)
    if interrupt_after:
        await until_said(process, interrupt_after)
        process.send_signal(interrupt)
    return await end_of(process, folder)


async def kill_dev(folder: Path, after: str, delay_s: float) -> tuple[int, float]:
    """Kill a run with SIGKILL once it has said something; how many children it had, and how long they took to end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "taskqueue.cli.main", "dev", str(folder), "--workers", "1"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert process.stdout is not None
    async with asyncio.timeout(40):
        async for line in process.stdout:
            if after in line.decode():
                break
    await asyncio.sleep(delay_s)
    alive = left_behind(folder)
    own = OwnTime(*map(int, alive))
    process.kill()
    await process.communicate()
    async with asyncio.timeout(60):
        while left_behind(folder):
            own.look()
            await asyncio.sleep(0.02)
    return len(alive) - 1, own.look()


def left_behind(folder: Path) -> list[str]:
    """Return the processes that log below this folder (needs /proc)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The store paints over its environment, but works in its folder.
            if (
                str(folder).encode() in (process / "environ").read_bytes()
                or folder in (process / "cwd").resolve().parents
            ):
                found.append(process.name)
    return found


async def test_a_store_that_hangs_ends_no_run(tmp_path: Path) -> None:
    process = await start_dev(tmp_path)
    await until_said(process, "requests/s")
    (store,) = [int(one) for one in left_behind(tmp_path) if is_store(one)]
    os.kill(store, signal.SIGSTOP)
    try:
        await until_said(process, "does not answer")
    finally:
        os.kill(store, signal.SIGCONT)
    await until_said(process, "requests/s")
    process.send_signal(signal.SIGINT)
    assert (await end_of(process, tmp_path))[0] == 0


def is_store(process: str) -> bool:
    name = Path(f"/proc/{process}/comm").read_text()
    return name.startswith(("valkey", "redis"))


def files(folder: Path, pattern: str) -> int:
    return len(list(folder.glob(pattern)))


async def test_a_folder_runs_and_the_api_sees_no_more_than_the_limit(tmp_path: Path) -> None:
    code, out, err = await run_dev(tmp_path, "--for", "8s")
    assert code == 0, err
    summary = json.loads(out)
    assert summary["api_requests"] == summary["done"] > 0
    assert (summary["api_429"], summary["audit_difference"], summary["dead"]) == (0, 0, 0)
    assert summary["api_worst_second"] <= 20
    assert summary["allocator"] == preload().get("LD_PRELOAD", "libc")
    assert files(tmp_path, "closed-*") == 2, "each of the two workers closes what its jobs shared"
    assert files(tmp_path, "taskqueue-dev-*") == 0, "logs of a run without trouble are of no use"


async def test_an_interrupt_drains_and_prints_the_summary(tmp_path: Path) -> None:
    code, out, err = await run_dev(tmp_path, interrupt_after="requests/s")
    assert code == 0, err
    summary = json.loads(out)
    assert summary["done"] > 0
    assert summary["audit_difference"] == 0


async def test_console_signs_in_by_its_link_alone_also_where_its_port_is_taken(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # another run has the port
            stack.enter_context(socket.create_server(("127.0.0.1", CONSOLE_PORT)))
        process = await start_dev(tmp_path)
        link = (await until_said(process, "console: ")).split()[1]
    address, _, token = link.partition("/sign-in?token=")
    assert address != f"http://127.0.0.1:{CONSOLE_PORT}"
    commands = [(Path("/proc") / one / "cmdline").read_bytes() for one in left_behind(tmp_path)]
    assert any(b"taskqueue_api" in command for command in commands)
    assert [command for command in commands if token.encode() in command] == []
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        await asyncio.to_thread(browser.open, f"{address}/v1/types")
    refused.value.close()
    with await asyncio.to_thread(browser.open, link) as page:
        assert (page.status, page.url) == (200, f"{address}/")
    process.send_signal(signal.SIGINT)
    code, _, err = await end_of(process, tmp_path)
    assert code == 0, err


async def test_a_dying_process_ends_the_run_with_its_last_words(tmp_path: Path) -> None:
    dying = 'import os\nprint("a last word", flush=True)\n' + HANDLERS.replace(
        "urllib.request.urlopen", "os.kill(os.getpid(), 9) or urllib.request.urlopen"
    )
    code, out, err = await run_dev(tmp_path, "--workers", "1", "--for", "30s", handlers=dying)
    assert (code, out) == (7, "")
    assert "worker-0 ended with exit code -9" in err
    assert "a last word" in err
    assert files(tmp_path, "taskqueue-dev-*/worker-0.log") == 1, "the logs that were named are kept"


@pytest.mark.parametrize(
    ("after", "delay_s", "least"), [("starting", 0.0, 0), ("starting", 0.5, 1), ("logs /", 0.0, 6)]
)
async def test_a_killed_run_leaves_no_process_after_5_seconds(
    after: str, delay_s: float, least: int, tmp_path: Path
) -> None:
    (tmp_path / "tasks.yaml").write_text(MANIFESTS)
    (tmp_path / "handlers.py").write_text(HANDLERS)
    children, lived_on_s = await kill_dev(tmp_path, after, delay_s)
    assert children >= least, "at the end: the server and its guard, API, scheduler, worker and console"
    assert lived_on_s < 5


async def test_a_run_on_a_full_store_explains_its_idleness(tmp_path: Path) -> None:
    with server(maxmemory="1") as url:
        code, out, err = await run_dev(tmp_path, "--redis-url", url, "--for", "3s", "--workers", "1")
    assert code == 7
    problem = json.loads(out)["problem"]
    assert f"taskqueue: {problem}\n" in err
    assert problem.startswith("nothing was done although jobs were due: scheduler-0: ")
    assert "OOM command not allowed" in problem, "the server's own words"
    assert files(tmp_path, "taskqueue-dev-*/worker-0.log") == 1, "the logs that were named are kept"


async def test_an_unreachable_store_is_named_before_the_start(tmp_path: Path) -> None:
    code, _, err = await run_dev(tmp_path, "--redis-url", "redis://:secret@127.0.0.1:1/0")
    assert code == 5
    assert "does not answer" in err
    assert "secret" not in err


async def test_an_interrupt_during_the_start_leaves_nothing_behind(tmp_path: Path) -> None:
    code, out, _ = await run_dev(tmp_path, interrupt_after="starting", interrupt=signal.SIGHUP)
    assert (code, out) == (130, "")
