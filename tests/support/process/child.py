"""One program of a control plane: started with its output in a file, ended by its own process id."""

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Self

POLL_S = 0.05
LOG_TAIL = 3000

# Below what Linux gives to outgoing connections: a port that is free now is still free when its server comes back.
PORTS = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):  # tests run with a seed of their own
        with closing(socket.socket()) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free port on loopback")


class Child:
    """A program that is killed together with its parent, on Linux.

    env: variables in addition to the parent's.
    """

    def __init__(self, program: Path, log: Path, *options: str, env: Mapping[str, str] | None = None) -> None:
        self.name = program.name
        self.log = log
        setpriv = shutil.which("setpriv")
        before = [setpriv, "--pdeathsig", "KILL"] if setpriv else []
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*before, program, *options],
                stdout=out,
                stderr=out,
                cwd=log.parent,
                env={**os.environ, **(env or {})},
            )

    def until(self, what: str, check: Callable[[], bool], limit_s: float = 30.0) -> None:
        """Wait for a condition; fail with its name and the end of the log, at once if the program has ended."""
        end = time.monotonic() + limit_s
        while not check():
            ended = self.process.poll()
            said = self.log.read_text(errors="replace")[-LOG_TAIL:]
            assert ended is None, f"{self.name} ended with {ended} before {what}:\n{said}"
            assert time.monotonic() < end, f"{self.name}: not within {limit_s} s: {what}\n{said}"
            time.sleep(POLL_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Children:
    """Programs that start and stop together; a subclass starts them and puts them into `_children`."""

    _children: list[Child]

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """Kill all, last started first: a graceful end takes seconds, and nothing is kept."""
        for child in reversed(self._children):
            child.kill()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
