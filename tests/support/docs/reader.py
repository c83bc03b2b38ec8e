"""A reader: writes the files of a page and types its commands, in a folder of its own."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support.docs.page import Block

LIMIT_S = 120.0
STORE = re.compile(r"^store (\S+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Program:
    """A command that runs until a signal. log: the file of its output."""

    process: asyncio.subprocess.Process
    log: Path

    async def prints(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Wait until the output matches, and return the match.

        Raises AssertionError if the program ends first, TimeoutError after LIMIT_S.
        """
        async with asyncio.timeout(LIMIT_S):
            while not (found := pattern.search(self.log.read_text())):
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.02)
        return found

    async def interrupt(self) -> tuple[int, str]:
        """Send Ctrl-C, and return the exit code and the whole output."""
        self.process.send_signal(signal.SIGINT)
        code = await asyncio.wait_for(self.process.wait(), LIMIT_S)
        return code, self.log.read_text()


class Reader:
    """Follow pages with the commands of this environment on PATH.

    changes: texts of a page, and their replacements in commands. programs: commands without an end, oldest first;
    leaving the context sends SIGTERM to each of them.
    """

    def __init__(self, folder: Path, changes: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.programs: list[Program] = []
        self._changes = dict(changes or {})
        own = {name: value for name, value in os.environ.items() if not name.startswith("TASKQUEUE_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self._environment = {**own, "PATH": path, "TMPDIR": str(folder), "TASKQUEUE_HEALTH_PORT": "0"}
        self._environment["PYTHONUNBUFFERED"] = "1"  # a log shows lines as they are printed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        for program in reversed(self.programs):
            if program.process.returncode is None:
                program.process.terminate()
                await asyncio.wait_for(program.process.wait(), LIMIT_S)

    def export(self, name: str, value: str) -> None:
        """Set a variable for all commands from here on."""
        self._environment[name] = value

    def change(self, text: str, instead: str) -> None:
        """Replace a text of the page in all commands from here on."""
        self._changes[text] = instead

    async def follow(self, page: Iterable[Block]) -> str:
        """Write files and type commands in order, and return the output of the commands.

        Raises AssertionError if a command ends with another exit code than its block announces.
        """
        printed = ""
        for block in page:
            if block.file:
                target = self.folder / block.file
                target.parent.mkdir(exist_ok=True)
                target.write_text(block.text)
            elif block.language == "sh":
                printed += await self._type(block)
        return printed

    async def _type(self, block: Block) -> str:
        script = block.text
        for text, instead in self._changes.items():
            script = script.replace(text, instead)
        self._environment |= dict(re.findall(r"^export (\w+)=(\S+)$", script, re.MULTILINE))
        if block.is_endless:
            self.programs.append(await self._start(script))
            return ""
        process = await self._run(script, asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
        printed = out.decode()
        assert process.returncode == block.exit_code, f"{script}: exit {process.returncode}\n{printed}"
        return printed

    async def _start(self, script: str) -> Program:
        log = self.folder / f"program-{len(self.programs)}.log"
        *before, last = script.rstrip().replace("\\\n", " ").splitlines()
        with log.open("wb") as out:
            process = await self._run("\n".join([*before, f"exec {last}"]), out.fileno())
        program = Program(process, log)
        if last.startswith("taskqueue dev"):
            self._changes["redis://127.0.0.1:PORT/0"] = (await program.prints(STORE))[1]
        return program

    async def _run(self, script: str, out: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", script),
            cwd=self.folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
        )
