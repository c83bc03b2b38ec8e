"""Standard output and error that take nothing: a command does its work, says so where it can, and has an exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.store.connection import Store
from taskqueue.store.users import read_stored_users

TASKQUEUE = str(Path(sys.executable).parent / "taskqueue")
FAULT = '{"userId": "no id"}\n'
USER = '{"userId": "ada", "tasks": [{"type": "a"}]}\n'


def ended(redirections: str, *arguments: str, unbuffered: str = "") -> tuple[int, str]:
    """Run a command with a shell's redirections; return exit code and standard error."""
    found = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", TASKQUEUE, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONUNBUFFERED": unbuffered},
    )
    return found.returncode, found.stderr


@pytest.mark.parametrize(
    ("redirections", "reason"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
@pytest.mark.parametrize("arguments", [("--help",), ("validate", "."), ("validate", ".", "-o", "json")])
def test_an_unwritable_answer_is_an_error(
    redirections: str, reason: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    given = [str(tmp_path) if one == "." else one for one in arguments]
    for unbuffered in ("", "1"):
        code, said = ended(redirections, *given, unbuffered=unbuffered)
        assert code == ExitCode.OUTPUT, said
        assert said.startswith(f"taskqueue: the answer cannot be written ({reason}): make standard output")
        assert said.count("\n") == 1


@pytest.mark.parametrize("redirections", ["2>/dev/full", "2>&-", "<&- 2>&-"])
async def test_untold_faults_keep_the_exit_code(
    redirections: str, tmp_path: Path, redis_url: str, store: Store
) -> None:
    (file := tmp_path / "users.ndjson").write_text(FAULT + USER)
    where = ("--redis-url", redis_url, "--release", store.keys.release)
    code, _ = ended(redirections, "users", "import", str(file), *where)
    assert code == ExitCode.FAULTS
    assert list(await read_stored_users(store)) == ["ada"]


def test_a_closed_standard_input_is_no_empty_import(redis_url: str, release: str) -> None:
    code, said = ended("<&-", "users", "import", "-", "--redis-url", redis_url, "--release", release)
    assert code == ExitCode.USAGE
    assert said == "taskqueue: FILE must be readable (was -: Bad file descriptor)\n"
