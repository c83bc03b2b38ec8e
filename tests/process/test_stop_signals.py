"""SIGTERM at any instant of a process: while it starts, as process 1 of a container, and while it ends."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.support.process.own_time import OwnTime

BIN = Path(sys.executable).parent
NOWHERE = ("--redis-url", "redis://127.0.0.1:1/0", "--health-port", "0")
BLOCKING = "import socket\nlistening = socket.socket()\nlistening.listen()\nlistening.accept()\n"
KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:PORT"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""
#: How soon a process must be gone after the signal, by its own time.
GONE_S = 2.0
LOOK_S = 0.02
PATIENCE_S = 30.0
STARTING, STARTED = 128 + signal.SIGTERM, 0
AFTER_START_S = (0.05, 0.3, 1.0, 3.0)
AFTER_FIRST_LINE_S = (0.0, 0.3, 1.0)

containers = pytest.mark.skipif(
    not shutil.which("unshare") or os.geteuid() != 0, reason="a namespace of processes needs root and unshare"
)
needs_tini = pytest.mark.skipif(not shutil.which("tini"), reason="apt-get install tini")


@pytest.fixture
def silent() -> Iterator[int]:
    """Return the port of a server that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def programs(tmp_path: Path, silent: int) -> dict[str, list[str]]:
    """Command lines by name; no process reaches the servers it needs."""
    (kubeconfig := tmp_path / "kubeconfig").write_text(KUBECONFIG.replace("PORT", str(silent)))
    (handlers := tmp_path / "handlers.py").write_text(BLOCKING)
    silent_url = f"redis://127.0.0.1:{silent}/0"
    module = [sys.executable, "-m"]
    operator = ["--namespace", "n", "--kubeconfig", str(kubeconfig), *NOWHERE]
    return {
        "scheduler": [str(BIN / "taskqueue"), "scheduler", *NOWHERE],
        "worker": [str(BIN / "taskqueue-worker"), *NOWHERE],
        "worker whose handlers block": [*module, "taskqueue_worker", *NOWHERE, "--handlers", str(handlers)],
        "worker whose store is silent": [
            *module,
            "taskqueue_worker",
            "--redis-url",
            silent_url,
            "--health-port",
            "0",
        ],
        "operator whose API server is silent": [*module, "taskqueue_operator", *operator],
    }


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not check():  # noqa: ASYNC110 - of /proc, which tells nobody
            await asyncio.sleep(0.002)


class Container:
    """A namespace of processes with a command as process 1."""

    def __init__(self, unshare: asyncio.subprocess.Process) -> None:
        self._unshare = unshare
        self._children = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children")
        self.pid = 0

    async def started(self, program: str) -> None:
        """Wait until process 1 runs this program."""
        await until(lambda: bool(self._children.read_text()))
        self.pid = int(self._children.read_text().split()[0])
        await until(lambda: program in Path(f"/proc/{self.pid}/comm").read_text())

    async def handles(self, number: signal.Signals) -> None:
        """Wait until process 1 has a handler for a signal."""
        await until(lambda: bool(self._caught() >> (number - 1) & 1))

    def _caught(self) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("SigCgt:")).split()[1], 16)

    async def stop(self) -> tuple[int, float]:
        """Send SIGTERM to process 1; the exit code, and how many seconds of its own it took."""
        own = OwnTime(self.pid)
        os.kill(self.pid, signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            while self._unshare.returncode is None:
                own.look()
                await asyncio.sleep(LOOK_S)
        return self._unshare.returncode, own.look()


async def run_until(command: list[str], signalled: Callable[[Container], Awaitable[None]]) -> str:
    """Return the fault in the end of a container that got SIGTERM after `signalled`; empty if there is none."""
    words = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *command]
    out = asyncio.subprocess.DEVNULL
    unshare = await asyncio.create_subprocess_exec(*words, stdout=out, stderr=out)
    try:
        container = Container(unshare)
        await signalled(container)
        code, took_s = await container.stop()
    except TimeoutError:
        return "it did not end"
    finally:
        if unshare.returncode is None:
            unshare.kill()
            await unshare.wait()
    if code not in {STARTING, STARTED}:
        return f"exit code {code}"
    return f"gone after {took_s:.1f} s" if took_s > GONE_S else ""


async def faults(
    programs: dict[str, list[str]],
    instants_s: tuple[float, ...],
    before: list[str],
    ready: Callable[[Container], Awaitable[None]],
) -> list[str]:
    async def one(name: str, instant_s: float) -> str:
        async def signalled(container: Container) -> None:
            await ready(container)
            await asyncio.sleep(instant_s)

        fault = await run_until([*before, *programs[name]], signalled)
        return f"{name} after {instant_s} s: {fault}" if fault else ""

    cases = [one(name, instant_s) for name in programs for instant_s in instants_s]
    return [fault for fault in await asyncio.gather(*cases) if fault]


@containers
@needs_tini
async def test_a_starting_container_with_an_init_ends(
    programs: dict[str, list[str]],
) -> None:
    async def ready(container: Container) -> None:
        await container.started("tini")

    assert await faults(programs, AFTER_START_S, ["tini", "--"], ready) == []


@containers
async def test_process_1_without_an_init_ends(
    programs: dict[str, list[str]],
) -> None:
    async def ready(container: Container) -> None:
        await container.started("python" if container.pid else "")
        await container.handles(signal.SIGTERM)

    assert await faults(programs, AFTER_FIRST_LINE_S, [], ready) == []


def test_the_first_line_imports_nothing_slow() -> None:
    code = (
        "import sys; before = {*sys.modules}; import taskqueue_entry; taskqueue_entry._begin();"
        "print(*sorted({*sys.modules} - before))"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    imported = set(shown.split())
    assert {name for name in imported if name.startswith("taskqueue")} == {
        "taskqueue",
        "taskqueue.process",
        "taskqueue.process.open_files",
        "taskqueue.process.parent",
        "taskqueue.process.standard_streams",
        "taskqueue.process.stop_signals",
        "taskqueue_entry",
    }
    assert (
        not {name.partition(".")[0] for name in imported}
        - sys.stdlib_module_names
        - {"taskqueue", "taskqueue_entry"}
    )
    assert not imported & {"asyncio", "logging", "subprocess", "threading"}


@pytest.mark.parametrize(
    ("name", "started"),
    [
        ("scheduler", b"process started"),
        ("worker", b"process started"),
        ("worker whose store is silent", b"process started"),
        ("operator whose API server is silent", b"process started"),
    ],
)
async def test_repeated_signals_end_a_new_process_with_0(
    programs: dict[str, list[str]], name: str, started: bytes
) -> None:
    process = await asyncio.create_subprocess_exec(*programs[name], stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while started not in await process.stderr.readline():
                pass
            reading = asyncio.create_task(process.stderr.read())
            own = OwnTime(process.pid)
            while process.returncode is None:
                own.look()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)  # asyncio's own would take the exit code away
                await asyncio.sleep(0.002)
        assert own.look() < GONE_S
        said = (await reading).decode()
        assert (process.returncode, [line for line in said.splitlines() if line[:1] != "{"]) == (0, [])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


INHERITING = """
import os, signal
from taskqueue.process.stop_signals import end_at_once

{inherited}
end_at_once()
os.write(1, b".")
signal.pause()
"""


@pytest.mark.parametrize(
    "inherited",
    [
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    ],
)
def test_a_signal_blocked_by_the_parent_ends_the_process(inherited: str) -> None:
    code = INHERITING.format(inherited=inherited)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"."
        process.terminate()
        assert process.wait(PATIENCE_S) == -signal.SIGTERM


FORKING = """
import asyncio, os, signal, time
from taskqueue.process.stop_signals import set_on

async def main():
    stopping = asyncio.Event()
    set_on(stopping, asyncio.get_running_loop())
    forked, tell = os.pipe()
    child = os.fork()
    if not child:
        os.write(tell, b".")  # Python forgets a signal that comes while it forks
    while not child:
        time.sleep(0.01)
    os.read(forked, 1)
    os.kill(child, signal.SIGTERM)
    ended = await asyncio.to_thread(os.waitpid, child, 0)
    print(os.waitstatus_to_exitcode(ended[1]), stopping.is_set())

asyncio.run(main())
"""


def test_a_signal_ends_a_fork_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.stdout == f"{-signal.SIGTERM} False\n"


CLOSING = """
import asyncio, os, signal
from taskqueue.process.stop_signals import keep, set_on

loop = asyncio.new_event_loop()
set_on(asyncio.Event(), loop)
loop.close()
os.kill(os.getpid(), signal.SIGTERM)
keep(3)
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_after_the_loop_keeps_the_exit_code() -> None:
    ended = subprocess.run([sys.executable, "-c", CLOSING], check=False, timeout=PATIENCE_S)
    assert ended.returncode == 3
