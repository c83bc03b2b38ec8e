"""A terminal with one program in it: its input, its output, and its end."""

import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.support.process.own_time import OwnTime

CTRL_C = b"\x03"
PATIENCE_S = 60.0

needs_setsid = pytest.mark.skipif(not shutil.which("setsid"), reason="apt-get install util-linux")


class Terminal:
    """A program with this controlling terminal. stdin: a file descriptor for its input instead."""

    def __init__(
        self, command: list[str], env: Mapping[str, str] | None = None, stdin: int | None = None
    ) -> None:
        self._end, end = pty.openpty()
        self.shown = b""
        self.process = subprocess.Popen(
            # Of standard error, as input and output may lead elsewhere; exec keeps the process id. Whoever runs the
            # tests in the background has them ignore Ctrl-C or SIGHUP, and so all that they start.
            [
                "env",
                "--default-signal",
                "setsid",
                "sh",
                "-c",
                'exec 3<>"$0" && exec 3<&- && exec "$@"',
                os.ttyname(end),
                *command,
            ],
            stdin=end if stdin is None else stdin,
            stdout=end,
            stderr=end,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120", **(env or {})},
        )
        os.close(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._end)

    def type(self, keys: bytes) -> None:
        os.write(self._end, keys)

    def until(self, what: str, check: Callable[[], bool]) -> None:
        """Wait for a condition of the program that nothing tells of."""
        end_s = time.monotonic() + PATIENCE_S
        while not check():
            self._read(0.01)
            assert self.process.poll() is None, self.text
            assert time.monotonic() < end_s, f"not yet: {what}: {self.text}"

    def until_reads(self, file: int) -> None:
        """Wait until the program waits in a read (0) of one of its files."""
        syscall = Path(f"/proc/{self.process.pid}/syscall")
        self.until(f"reads {file}", lambda: syscall.read_text().split()[:2] == ["0", hex(file)])

    def until_computed(self, cpu_s: float) -> None:
        """Wait until the program has used a processor for so long."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        ticks = cpu_s * os.sysconf("SC_CLK_TCK")
        self.until(f"{cpu_s} s of CPU", lambda: int(stat.read_text().split()[13]) >= ticks)

    def until_shown(self, part: bytes) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while part not in self.shown:
            assert self._read(0.05) or self.process.poll() is None, self.text
            assert time.monotonic() < end_s, f"{part!r} is not shown: {self.text}"

    def ended(self) -> tuple[int, float]:
        """Wait for the end; the exit code, and how many seconds of its own it took."""
        own, end_s = OwnTime(self.process.pid), time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            own.look()
            self._read(0.01)
            assert time.monotonic() < end_s, f"it does not end: {self.text}"
        took_s = own.look()
        while self._read(0.0):
            pass
        return self.process.returncode, took_s

    @property
    def text(self) -> str:
        return self.shown.decode(errors="replace")

    def _read(self, within_s: float) -> bool:
        if not select.select([self._end], [], [], within_s)[0]:
            return False
        try:
            data = os.read(self._end, 65_536)
        except OSError:  # nobody has the other end any more
            return False
        self.shown += data
        return bool(data)
