"""Refusals where another distribution, or a file, has the name of the package."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.support.process.wheel import distribution

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
COMMANDS = ("taskqueue", "kubectl-taskqueue", "taskqueue-worker")
REFUSED = 7
QUEUE = "class Queue: ...\n"
REMEDY = "`pip uninstall {0}`, then install taskqueue-operator again"
FOREIGN = (
    "taskqueue: the distribution {0} 1.0 has files in the package taskqueue, which is taskqueue-operator's: "
)


class Environment:
    """A virtual environment with the project's dependencies, and with installed parts of the project."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False)
        self.bin = folder / "bin"
        (self.site,) = folder.glob("lib/python3*/site-packages")
        # Folders in a .pth file come after site-packages, and their own .pth files are not read.
        (self.site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))

    def install(self, *words: str | Path) -> None:
        self._uv("install", "--no-deps", "--offline", "--no-build-isolation", "--link-mode=copy", *words)

    def uninstall(self, name: str) -> None:
        self._uv("uninstall", name)

    def run(self, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        program, *rest = words
        command = [str(self.bin / program), *rest]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            command, cwd=cwd, check=False, capture_output=True, text=True, timeout=60, env=environment
        )

    def _uv(self, verb: str, *words: str | Path) -> None:
        python = ("--python", self.bin / "python")
        subprocess.run([UV, "pip", verb, "--quiet", *python, *words], check=True, cwd=ROOT)


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (made,) = folder.glob("taskqueue_operator-*.whl")
    return made


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "venv")


def refused(environment: Environment, folder: Path, sentence: str) -> None:
    for command in COMMANDS:
        run = environment.run(command, "--help", cwd=folder)
        assert (run.returncode, run.stdout, run.stderr) == (REFUSED, "", f"{sentence}\n"), command


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("taskqueue", {"taskqueue/__init__.py": QUEUE}),
        ("Task.Queue_tools", {"taskqueue/tools/__init__.py": ""}),
        ("taskqueue", {"taskqueue.py": QUEUE}),
    ],
    ids=["same name", "another name", "a module"],
)
@pytest.mark.parametrize("last", ["stranger", "ours"])
def test_a_distribution_with_the_same_package_is_named(
    environment: Environment, ours: Path, tmp_path: Path, name: str, files: dict[str, str], last: str
) -> None:
    stranger = distribution(tmp_path, name, files)
    for one in (ours, stranger) if last == "stranger" else (stranger, ours):
        environment.install(one)
    shown = name.lower().replace(".", "-").replace("_", "-")
    refused(environment, tmp_path, FOREIGN.format(shown) + REMEDY.format(shown))


@pytest.mark.parametrize("code", [QUEUE, "raise SystemError('no longer maintained')\n", "print 'Python 2'\n"])
def test_a_distribution_in_front_of_a_checkout_is_named(
    environment: Environment, tmp_path: Path, code: str
) -> None:
    environment.install("--editable", ROOT)
    environment.install(distribution(tmp_path, "taskqueue", {"taskqueue/__init__.py": code}))
    refused(environment, tmp_path, FOREIGN.format("taskqueue") + REMEDY.format("taskqueue"))
    environment.uninstall("taskqueue")
    assert environment.run("taskqueue", "--help", cwd=tmp_path).returncode == 0


def test_the_remedy_ends_the_clash(environment: Environment, ours: Path, tmp_path: Path) -> None:
    environment.install(ours)
    files = {"taskqueue_tools/__init__.py": "", "taskqueues.py": "", "tools/taskqueue/__init__.py": ""}
    environment.install(distribution(tmp_path, "taskqueue_tools", files))
    environment.install(distribution(tmp_path, "taskqueue", {"taskqueue/__init__.py": QUEUE}))
    environment.uninstall("taskqueue")
    missing = "files of taskqueue-operator are missing in its package taskqueue"
    refused(environment, tmp_path, f"taskqueue: {missing}: install taskqueue-operator again")
    environment.install("--reinstall", ours)
    run = environment.run("taskqueue", "--help", cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("file", ["taskqueue.py", "taskqueue/__init__.py"])
def test_a_file_in_the_working_directory_is_named(
    environment: Environment, ours: Path, tmp_path: Path, file: str
) -> None:
    environment.install(ours)
    wrong = tmp_path / "work" / file
    wrong.parent.mkdir(parents=True)
    wrong.write_text(QUEUE)
    for module in ("taskqueue_worker", "taskqueue_operator"):
        run = environment.run("python", "-m", module, "--help", cwd=tmp_path / "work")
        assert run.returncode == REFUSED, run.stderr
        assert run.stderr == (
            f"taskqueue: {wrong} is imported as taskqueue, and is not taskqueue-operator's: rename it, or take its "
            "folder out of PYTHONPATH and out of the working directory\n"
        )
