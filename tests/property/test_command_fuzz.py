"""The command line given anything: it answers, or says what is wrong, and never calls that a bug.

TASKQUEUE_FUZZ is the number of command lines: 300 with every change, 100,000 in `make fuzz`.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.main import app

EXAMPLES = int(os.environ.get("TASKQUEUE_FUZZ") or "300")
#: They run until a signal; test_settings_fuzz.py gives them their arguments.
PROCESSES = {"scheduler", "worker", "dev", "example-api"}
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


@pytest.fixture(scope="module")
def runner(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CliRunner]:
    """Runs commands in an empty folder, on a store of their own."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("empty"))
    yield CliRunner(env={"TASKQUEUE_REDIS_URL": redis_url, "TASKQUEUE_RELEASE": "commands", "COLUMNS": "200"})
    os.chdir(before)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(line=command_lines())
def test_any_command_line_ends_with_a_status_that_is_no_bug(runner: CliRunner, line: list[str]) -> None:
    done = runner.invoke(app, line)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code in REFUSALS
    said = (done.stderr + done.stdout).strip()
    assert said or not done.exit_code, "a refusal has a sentence"
    assert all(text.isprintable() for text in done.stderr.splitlines())
