"""Any command line: it answers or names the fault, and never reports a bug.

TASKQUEUE_FUZZ is the number of command lines: 300 with every change, 100,000 in `make fuzz`.
"""

import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskqueue.cli.commands import COMMANDS as LOCATIONS
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.main import app, run
from taskqueue.text.printable import printable

EXAMPLES = int(os.environ.get("TASKQUEUE_FUZZ") or "300")
#: They run until a signal; test_settings_fuzz.py gives them their arguments.
PROCESSES = {name for name, location in LOCATIONS.items() if location.is_process}
REFUSALS = {*ExitCode} - {ExitCode.BUG}

Command = tuple[tuple[str, ...], tuple[str, ...], int]


def commands(command: Any, way: tuple[str, ...] = ()) -> Iterator[Command]:
    """Yield each command's words, its options, and how many arguments it takes."""
    for name, inner in command.commands.items():
        if hasattr(inner, "commands"):
            yield from commands(inner, (*way, name))
        elif name not in PROCESSES:
            options = tuple(option for one in inner.params for option in one.opts if option.startswith("-"))
            yield (*way, name), options, len(inner.params)


COMMANDS: Sequence[Command] = tuple(commands(typer.main.get_command(app)))

texts = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "-",
        "--",
        "-h",
        "--help",
        "0",
        "-1",
        "1e400",
        "9" * 5_000,
        "nan",
        "99999999999999999h",
        "2026-13-01",
        "2026-11-29T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "[red]",
        "\x1b]0;title\x07",
        "\N{RIGHT-TO-LEFT OVERRIDE}",
        "\ud800",
        "\0",
        "a\nb",
        "{" * 2_000,
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        "[" * 5_000 + "]" * 5_000,
        "/dev/null",
        "/dev/zero",
        ".",
        "user",
        "fetch-orders",
        "fetch-orders:user:1",
        "1h",
        "table",
        "json",
        "x" * 100_000,
    ]
)


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    words, options, most = draw(st.sampled_from(COMMANDS))
    line = list(words)
    for _ in range(draw(st.integers(0, most))):
        if draw(st.booleans()) and options:
            line.append(draw(st.sampled_from(options)))
        line.append(draw(texts))
    return line


@pytest.fixture
def somewhere(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs commands in an empty folder, on a store of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TASKQUEUE_REDIS_URL", redis_url)
    monkeypatch.setenv("TASKQUEUE_RELEASE", "commands")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(line=command_lines())
def test_any_command_line_ends_with_a_valid_status(
    somewhere: None, capsys: pytest.CaptureFixture[str], line: list[str]
) -> None:
    capsys.readouterr()
    nothing = io.TextIOWrapper(io.BytesIO())
    with (
        mock.patch.object(sys, "argv", ["taskqueue", *line]),
        mock.patch.object(sys, "stdin", nothing),
        pytest.raises(SystemExit) as ended,
    ):
        run()
    shown = capsys.readouterr()
    status = ended.value.code or 0
    assert status in REFUSALS
    assert (shown.err + shown.out).strip() or not status, "a refusal has a sentence"
    assert shown.err == printable(shown.err, 10 * len(shown.err))
