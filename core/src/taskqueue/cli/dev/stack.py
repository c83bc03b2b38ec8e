"""Everything that `taskqueue dev` runs, started in order and stopped in the reverse of it."""

import os
import shutil
import signal
import socket
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from taskqueue.cli.dev.children import (
    Child,
    ChildError,
    health_port,
    listening,
    ready,
    start_python,
    start_server,
)
from taskqueue.cli.failure import say
from taskqueue.cli.options import RELEASE_DEFAULT

#: Five types of the example shop call this port without a handler of their own.
API_PORT = 8099
#: Ctrl-C, `kill`, and a terminal that is closed.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DRAIN_S = 30.0
_LOOPBACK_FREE = ["--health-port", "0"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to run. rate: R, starts a second. redis: a URL, or None for a server of our own."""

    path: Path
    rate: float
    workers: int
    schedulers: int
    redis: str | None
    concurrency: int


@dataclass(slots=True)
class Stack:
    """The running processes. redis_url, api: where they are; worker_ports: their /metrics.

    Their logs are in `folder`, which is removed if all ended well and `keeps_logs` is not set.
    """

    wanted: Wanted
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="taskqueue-dev-")))
    redis_url: str = ""
    api: str = ""
    worker_ports: list[str] = field(default_factory=list)
    keeps_logs: bool = False
    _children: list[Child] = field(default_factory=list)
    #: The children end when nobody holds its write end any more.
    _pipe: tuple[int, int] = field(default_factory=os.pipe)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException as error:
            self._end(error)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(error)

    def problem(self) -> str | None:
        """What to say about a process that ended by itself."""
        return next((said for child in self._children if (said := child.ended())), None)

    def logs(self) -> list[Path]:
        """The logs of what emits and of what runs jobs."""
        return sorted([*self.folder.glob("scheduler-*.log"), *self.folder.glob("worker-*.log")])

    def drain(self) -> None:
        """Stop what emits and what runs jobs; the store and the API stay to be asked."""
        for prefix in ("scheduler", "worker"):
            ending = [child for child in self._children if child.name.startswith(prefix)]
            for child in ending:
                if child.process.poll() is None:
                    child.process.terminate()
            for child in ending:
                child.stop(_DRAIN_S)
                self._children.remove(child)

    def _end(self, error: BaseException | None) -> None:
        """Stop everything. A second signal must not end this process while it has children: they would stay."""
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if isinstance(error, ChildError):
            say(str(error))  # before the others are stopped, which can take a while
        self.drain()
        while self._children:
            self._children.pop().stop(_DRAIN_S)
        for end in self._pipe:
            os.close(end)
        if error is None and not self.keeps_logs:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        wanted = self.wanted
        if wanted.redis is not None:
            self.redis_url = wanted.redis
        else:
            server, self.redis_url = start_server(self.folder, self._pipe[0])
            self._children.append(server)
            server.wait_for(ready)
        port = API_PORT if _is_free(API_PORT) else 0
        api = self._python(
            "api", "taskqueue.cli.dev.api", ["--port", str(port), "--rate", str(max(1, int(wanted.rate)))]
        )
        self.api = "http://" + api.wait_for(listening)
        if not port:
            say(
                f"port {API_PORT} is taken, so the example API is at {self.api}: "
                f"types whose `http` names {API_PORT} do not reach it"
            )
        manifests = ["--manifests", str(wanted.path), "--rate", str(wanted.rate), *_LOOPBACK_FREE]
        for number in range(wanted.schedulers):
            self._python(f"scheduler-{number}", "taskqueue.scheduler", manifests).wait_for(health_port)
        own = wanted.path / "handlers.py"
        handlers = ["--handlers", str(own)] if own.is_file() else []
        options = ["--concurrency", str(wanted.concurrency), *_LOOPBACK_FREE, *handlers]
        workers = [self._python(f"worker-{n}", "taskqueue_worker", options) for n in range(wanted.workers)]
        self.worker_ports = [worker.wait_for(health_port) for worker in workers]

    def _python(self, name: str, module: str, arguments: list[str]) -> Child:
        environment = {
            "TASKQUEUE_REDIS_URL": self.redis_url,
            "TASKQUEUE_RELEASE": RELEASE_DEFAULT,
            "TASKQUEUE_LOG_FORMAT": "json",
            "TASKQUEUE_LOG_LEVEL": "info",
            "SHOP_API_URL": self.api,
            "TASKQUEUE_EXAMPLE_API_URL": self.api,
        }
        child = start_python(name, module, arguments, self.folder, self._pipe[0], environment)
        self._children.append(child)
        return child


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
