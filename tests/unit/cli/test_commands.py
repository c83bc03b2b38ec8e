"""The table of commands: each one loads on use, appears whole in the help, and completes."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer import Context
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from taskqueue.cli.commands import COMMANDS
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.lazy import CommandLocation, LazyCommand
from taskqueue.cli.main import app
from taskqueue.process.settings import StoreSettings
from taskqueue.scheduler.settings import SchedulerSettings
from taskqueue_worker.settings import WorkerSettings

#: Of these, typer itself imports pydantic for completion.
SLOW = ("asyncio", "redis", "yaml", "rich", "plotext", "msgspec", "structlog", "aiohttp", "kopf")
COMPLETE = f"""
import sys
sys.argv = ["taskqueue"]
from taskqueue.cli.main import app
try:
    app(prog_name="taskqueue")
finally:
    print([name for name in {SLOW} if name in sys.modules], file=sys.stderr)
"""


def completed(words: str) -> tuple[set[str], str]:
    """Return the completions of the last word, and the slow modules that were imported for them."""
    variables = {"_TASKQUEUE_COMPLETE": "complete_bash", "COMP_WORDS": words}
    done = subprocess.run(
        [sys.executable, "-c", COMPLETE],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables, "COMP_CWORD": str(len(words.split(" ")) - 1)},
    )
    return set(done.stdout.split()), done.stderr.strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_loads_and_explains_itself(name: str) -> None:
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == ExitCode.OK, done.output
    assert f"Usage: taskqueue {name} " in done.stdout


def test_help_shows_each_summary_on_one_line() -> None:
    lines = CliRunner().invoke(app, ["--help"], terminal_width=80).stdout.splitlines()
    for name, place in COMMANDS.items():
        assert f"  {name:<11}  {place.summary}" in lines


def test_version_is_the_one_of_the_installed_distribution() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (ExitCode.OK, f"taskqueue {version('taskqueue-operator')}\n")


def test_completion_of_a_command_name_imports_no_command() -> None:
    assert completed("taskqueue a") == ({"api", "apply", "audit"}, "[]")


def test_completion_reaches_commands_and_settings() -> None:
    assert completed("taskqueue dead re")[0] == {"retry"}
    assert completed("taskqueue worker --conc")[0] == {"--concurrency"}


@pytest.mark.parametrize(("name", "settings"), [("scheduler", SchedulerSettings), ("worker", WorkerSettings)])
def test_help_of_a_process_lists_its_settings_with_defaults(name: str, settings: type[StoreSettings]) -> None:
    shown = " ".join(CliRunner().invoke(app, [name, "--help"]).stdout.split())
    for field, info in settings.model_fields.items():
        assert f"--{field.replace('_', '-')} " in shown
        default = info.get_default(call_default_factory=True)
        if default not in (None, []):
            assert f"[default: {default}]" in shown
    assert "--log-format json|console" in shown


def test_a_bad_setting_is_refused_by_the_name_of_the_command() -> None:
    done = CliRunner().invoke(app, ["scheduler", "--rate", "many", "--health-port", "-1"])
    assert done.exit_code == ExitCode.USAGE
    assert done.stderr.splitlines() == [
        "taskqueue scheduler: --health-port must be at least 0 (was -1)",
        "taskqueue scheduler: --rate must be a number (was many)",
        "taskqueue scheduler: --help names every setting",
    ]


def test_an_unknown_option_of_a_process_is_refused_without_its_value() -> None:
    done = CliRunner().invoke(app, ["worker", "--redis-ulr", "redis://me:s3cret@host"])
    assert done.exit_code == ExitCode.USAGE
    assert done.stderr.startswith("taskqueue worker: No such option: --redis-ulr")
    assert "s3cret" not in done.output


@pytest.mark.parametrize("absent", ["absent_package", "taskqueue_api"])
def test_a_package_that_is_not_installed_is_named_with_its_extra(
    absent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"raise ModuleNotFoundError('no module', name='{absent}')\n"
    (tmp_path / f"needs_{absent}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    import typer

    with pytest.raises(typer.Exit) as ended:
        LazyCommand("plan", CommandLocation(f"needs_{absent}", "app", "Plan.", "dev")).load()
    assert ended.value.exit_code == ExitCode.REFUSED
    sentence = f'{absent} is not installed: `pip install "taskqueue-operator[dev]"`'
    assert sentence in capsys.readouterr().err
    with pytest.raises(ModuleNotFoundError):
        LazyCommand("plan", CommandLocation("taskqueue.cli.absent", "app", "Plan.")).load()


def test_the_page_of_commands_names_every_command() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    assert [name for name in COMMANDS if not re.search(rf"(?:taskqueue |`){name}\b", page)] == []


def test_the_page_of_commands_names_every_verb() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()
    group: Any = get_command(app)
    missing = []
    for name in COMMANDS:
        command = group.get_command(Context(group), name)
        command = command.load() if isinstance(command, LazyCommand) else command
        verbs = command.list_commands(Context(command)) if isinstance(command, TyperGroup) else []
        missing += [
            f"{name} {verb}" for verb in verbs if not re.search(rf"(?:taskqueue |`){name} {verb}\b", page)
        ]
    assert missing == []
