"""The processes of `taskqueue dev`, started in order and stopped in reverse."""

import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from taskqueue.cli.failure import say
from taskqueue.cli.options import RELEASE_DEFAULT
from taskqueue.dev.api_limits import send_limits
from taskqueue.dev.children import (
    Child,
    ChildError,
    address,
    health_port,
    listening,
    start_python,
    start_server,
)
from taskqueue.models.quantity import MAX_PER_SECOND, written_rate

#: Five types of the example shop call this port without a handler of their own.
API_PORT = 8099
#: The default of `taskqueue api`.
CONSOLE_PORT = 8090
#: Ctrl-C, `kill`, and a terminal that is closed.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DRAIN_S = 30.0
_LOOPBACK_FREE = ["--health-port", "0"]


@dataclass(frozen=True, slots=True)
class StackOptions:
    """The options of a run. rate: global limit in starts per second, infinite for none.

    redis: URL, or None for an embedded server.
    """

    path: Path
    rate: float
    workers: int
    schedulers: int
    redis: str | None
    concurrency: int


@dataclass(slots=True)
class Stack:
    """The running processes.

    redis_url, api: URLs of the store and the example API. loaded_allocator: of an embedded server, empty if it has
    none but its own. console: URL, empty where FastAPI is not installed. one_time_token: signs one browser in to the
    console. worker_ports: ports of /metrics of the workers.
    folder: the logs, removed after a run without an error unless `keeps_logs` is set.
    """

    options: StackOptions
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="taskqueue-dev-")))
    redis_url: str = ""
    loaded_allocator: str = ""
    api: str = ""
    console: str = ""
    one_time_token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    worker_ports: list[str] = field(default_factory=list)
    keeps_logs: bool = False
    _children: list[Child] = field(default_factory=list)
    #: The children end when its write end is closed.
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
        """Return the sentence about a process that ended by itself, if any."""
        return next((said for child in self._children if (said := child.ended())), None)

    def logs(self) -> list[Path]:
        """Return the logs of schedulers and workers."""
        return sorted([*self.folder.glob("scheduler-*.log"), *self.folder.glob("worker-*.log")])

    def drain(self) -> None:
        """Stop schedulers and workers; the store and the API keep answering."""
        for prefix in ("scheduler", "worker"):
            ending = [child for child in self._children if child.name.startswith(prefix)]
            for child in ending:
                if child.process.poll() is None:
                    child.process.terminate()
            for child in ending:
                child.stop(_DRAIN_S)
                self._children.remove(child)

    def _end(self, error: BaseException | None) -> None:
        """Stop every process. Signals are ignored meanwhile: this process must outlive its children."""
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if isinstance(error, ChildError):
            say(str(error))  # printed first: stopping takes a while
        self.drain()
        while self._children:
            self._children.pop().stop(_DRAIN_S)
        for end in self._pipe:
            os.close(end)
        if error is None and not self.keeps_logs:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> None:
        options = self.options
        if options.redis is not None:
            self.redis_url = options.redis
        else:
            server, self.redis_url, self.loaded_allocator = start_server(self.folder, self._pipe[0])
            self._children.append(server)
        # Its import takes a second, which it spends while the scheduler publishes the users.
        console = self._console(CONSOLE_PORT) if find_spec("fastapi") else None
        allowed = max(1, int(min(options.rate, MAX_PER_SECOND)))
        port = ["--port", str(API_PORT), "--or-free"]
        api = self._python("api", "taskqueue.dev.example_api", [*port, "--rate", str(allowed)])
        host = api.wait_for(listening)
        self.api = f"http://{host}"
        if not host.endswith(f":{API_PORT}"):
            say(
                f"port {API_PORT} is taken, so the example API listens at {self.api}: "
                f"handlers with port {API_PORT} in their URL do not reach it"
            )
        send_limits(self.api, options.path)
        manifests = ["--manifests", str(options.path), "--rate", str(written_rate(options.rate))]
        manifests += _LOOPBACK_FREE
        for number in range(options.schedulers):
            self._python(f"scheduler-{number}", "taskqueue.scheduler", manifests).wait_for(health_port)
        own = options.path / "handlers.py"
        handlers = ["--handlers", str(own)] if own.is_file() else []
        arguments = ["--concurrency", str(options.concurrency), *_LOOPBACK_FREE, *handlers]
        workers = [self._python(f"worker-{n}", "taskqueue_worker", arguments) for n in range(options.workers)]
        self.worker_ports = [worker.wait_for(health_port) for worker in workers]
        if console:
            self.console = self._console_address(console)

    def _console(self, port: int) -> Child:
        # Not an argument: every user of this machine may list those.
        secret = {"TASKQUEUE_ONE_TIME_TOKEN": self.one_time_token}
        return self._python("console", "taskqueue_api", ["--port", str(port), *_LOOPBACK_FREE], secret)

    def _console_address(self, console: Child) -> str:
        try:
            return console.wait_for(address)
        except ChildError:
            if "cannot listen" not in console.log.read_text(errors="replace"):
                raise
        self._children.remove(console)
        return self._console(0).wait_for(address)  # another process has the port

    def _python(
        self, name: str, module: str, arguments: list[str], secret: Mapping[str, str] | None = None
    ) -> Child:
        environment = {
            "TASKQUEUE_REDIS_URL": self.redis_url,
            "TASKQUEUE_RELEASE": RELEASE_DEFAULT,
            "TASKQUEUE_LOG_FORMAT": "json",
            "TASKQUEUE_LOG_LEVEL": "info",
            "SHOP_API_URL": self.api,
            "TASKQUEUE_EXAMPLE_API_URL": self.api,
            **(secret or {}),
        }
        child = start_python(name, module, arguments, self.folder, self._pipe[0], environment)
        self._children.append(child)
        return child
