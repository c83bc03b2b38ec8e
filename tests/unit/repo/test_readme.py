"""Commands and code of the README run as printed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taskqueue.cli.dev.main import main as dev
from taskqueue.handlers.registry import default_registry, load_modules
from taskqueue.sources.folder import load
from taskqueue.testing import run_handler

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's folder `mine`, its files cut out of the text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(default_registry, "_functions", dict(default_registry._functions))
    files = re.findall(r"`mine/([\w.]+)`\n\n```\w+\n(.*?)```", README, re.DOTALL)
    assert [name for name, _ in files] == ["handlers.py", "tasks.yaml"]
    Path("mine").mkdir()
    for name, text in files:
        Path("mine", name).write_text(text)
    return Path("mine")


def test_the_first_handler_does_what_the_readme_prints(mine: Path) -> None:
    desired = load(mine)
    assert desired.faults == ()
    (kind,) = desired.types.values()
    (user,) = desired.users.values()
    load_modules([str(mine / "handlers.py")])
    function = default_registry.get(str(kind.function))
    assert function is not None
    (task,) = user.tasks
    result = run_handler(function, type=kind.name, user=user.user_id, params={**kind.params, **task.params})
    assert result.outcome == "done"
    shown = re.search(r"cat greetings.txt +# (.*) of greet/ada/", README)
    assert shown is not None
    assert Path("greetings.txt").read_text().startswith(shown.group(1))


def test_a_checkout_stays_clean_after_the_quickstart(mine: Path) -> None:
    """`make lint` in a small copy of the checkout: its programs, and a file in each folder of code."""
    makefile = (ROOT / "Makefile").read_text()
    (code,) = re.findall(r"^CODE := (.*)$", makefile, re.MULTILINE)
    commands = [
        command.replace("$(CODE)", code).split()
        for command in re.findall(r"^\t\$\(BIN\)/(ruff (?!.*--fix|format \$).*)$", makefile, re.MULTILINE)
    ]
    assert [command[1] for command in commands] == ["check", "format"]
    for name in ("pyproject.toml", ".gitignore"):
        shutil.copy(ROOT / name, name)
    for folder in code.split():
        Path(folder).mkdir(parents=True)
        Path(folder, "__init__.py").write_text('"""Nothing."""\n')
    Path("greetings.txt").touch()
    assert Path("mine", "handlers.py").exists()
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    assert {"/mine/", "/greetings.txt"} <= set((ROOT / ".gitignore").read_text().splitlines())


def test_the_commands_named_exist(capsys: pytest.CaptureFixture[str]) -> None:
    from typer.main import get_command

    from taskqueue.cli.main import app

    commands: Any = get_command(app)
    lines = re.findall(r"^(?:\.venv/bin/)?taskqueue .*", README, re.MULTILINE)
    named = {name for line in lines for name in re.findall(r"taskqueue (\w+)", line)}
    assert len(named) > 6
    assert named <= commands.commands.keys()
    with pytest.raises(SystemExit):
        dev(["--help"])
    assert "--for" in capsys.readouterr().out
