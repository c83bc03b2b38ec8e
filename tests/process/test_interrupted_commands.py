"""Ctrl-C and SIGTERM at a terminal: a command ends within a second, says where it was, and shows no traceback."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.store.connection import Store
from taskqueue.store.users import read_stored_users
from tests.support.process.terminal import CTRL_C, Terminal, needs_setsid
from tests.support.store.backlog import server

TASKQUEUE = str(Path(sys.executable).parent / "taskqueue")
#: How soon a command must be gone, by its own time.
GONE_S = 2.5
USERS = 60_000

pytestmark = needs_setsid


@pytest.fixture
def many_users(tmp_path: Path) -> Path:
    (file := tmp_path / "users.ndjson").write_text(
        "".join(f'{{"userId": "u-{number}", "tasks": [{{"type": "a"}}]}}\n' for number in range(USERS))
    )
    return file


@pytest.fixture
def where(redis_url: str, release: str) -> dict[str, str]:
    return {"TASKQUEUE_REDIS_URL": redis_url, "TASKQUEUE_RELEASE": release}


@contextmanager
def silent() -> Iterator[socket.socket]:
    """Give a server that never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(30)
        yield listening


def check_gone(terminal: Terminal, code: int) -> None:
    ended, took_s = terminal.ended()
    assert ended == code, terminal.text
    assert took_s < GONE_S
    assert "Traceback" not in terminal.text
    assert "never retrieved" not in terminal.text


def written(terminal: Terminal) -> int:
    """Return the line that an interrupted import names."""
    (line,) = re.findall(r"taskqueue: stopped: resume with --after-line (\d+), or repeat", terminal.text)
    return int(line)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
async def test_an_interrupted_import_resumes_at_its_line(
    many_users: Path, where: dict[str, str], store: Store, number: signal.Signals, code: int
) -> None:
    with Terminal([TASKQUEUE, "users", "import", str(many_users)], where) as terminal:
        terminal.until_shown(b"500/")
        if number == signal.SIGINT:
            terminal.type(CTRL_C)
        else:
            terminal.process.send_signal(number)
        check_gone(terminal, code)
        line = written(terminal)
    assert 500 <= line < USERS
    stored = len(await read_stored_users(store))
    assert line <= stored <= line + 500  # the batch under way is written whole or not
    if number == signal.SIGTERM:
        return
    answer = await asyncio.to_thread(go_on, many_users, line, where)
    assert answer["lastLine"] == line + 1000
    assert len(await read_stored_users(store)) == line + 1000


def go_on(users: Path, line: int, where: dict[str, str]) -> dict[str, int]:
    """Import the next thousand lines of a file; the command's answer."""
    rest = users.with_name("rest.ndjson")
    rest.write_text("".join(users.read_text().splitlines(keepends=True)[: line + 1000]))
    command = [TASKQUEUE, "users", "import", str(rest), "--after-line", str(line), "-o", "json"]
    done = subprocess.run(command, env=os.environ | where, capture_output=True, text=True, check=True)
    answer: dict[str, int] = json.loads(done.stdout)
    return answer


def test_an_import_from_a_silent_pipe_stops_at_the_first_press(where: dict[str, str]) -> None:
    reading, writing = os.pipe()
    try:
        with Terminal([TASKQUEUE, "users", "import", "-"], where, stdin=reading) as terminal:
            terminal.until_reads(0)
            terminal.type(CTRL_C)
            check_gone(terminal, ExitCode.INTERRUPTED)
            assert "Aborted" not in terminal.text
    finally:
        os.close(reading)
        os.close(writing)


def test_an_import_names_the_line_of_the_lost_store(many_users: Path, release: str) -> None:
    with server() as url:
        env = {"TASKQUEUE_REDIS_URL": url, "TASKQUEUE_RELEASE": release}
        terminal = Terminal([TASKQUEUE, "users", "import", str(many_users)], env)
        terminal.until_shown(b"500/")
    with terminal:
        code, _ = terminal.ended()
        assert code == ExitCode.UNREACHABLE
        assert written(terminal) >= 500
        assert "does not answer" in terminal.text


WAITING = (
    ("dead", "retry", "--all"),
    ("apply", "FOLDER"),
)


@pytest.mark.parametrize("command", WAITING, ids=" ".join)
def test_a_command_waiting_for_the_store_stops(command: tuple[str, ...], tmp_path: Path) -> None:
    words = [word.replace("FOLDER", str(tmp_path)) for word in command]
    with silent() as listening:
        url = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
        with Terminal([TASKQUEUE, *words], {"TASKQUEUE_REDIS_URL": url}) as terminal:
            connection, _ = listening.accept()
            with connection:
                terminal.type(CTRL_C + CTRL_C)
                check_gone(terminal, ExitCode.INTERRUPTED)


def test_a_command_reading_a_large_folder_stops(tmp_path: Path) -> None:
    user = "apiVersion: taskqueue.dev/v1alpha1\nkind: UserSubscription\nmetadata: {name: u-NUMBER}\nspec: {}\n---\n"
    for number in range(4):
        text = "".join(user.replace("NUMBER", f"{number}-{one}") for one in range(20_000))
        (tmp_path / f"{number}.yaml").write_text(text)
    with Terminal([TASKQUEUE, "plan", "show", str(tmp_path)]) as terminal:
        terminal.until_computed(0.8)
        terminal.type(CTRL_C)
        check_gone(terminal, ExitCode.INTERRUPTED)
