"""The name of a release on the command line: refused as the processes refuse it, before any store is asked."""

import pytest
from typer.testing import CliRunner

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.main import app

NO_STORE = "redis://127.0.0.1:1/0"


@pytest.mark.parametrize("name", ["a:b", "{a}", "}", " ", "-a", "a" * 64, "a\n", "\u202ea", "\x1b[2J"])
@pytest.mark.parametrize("command", [["audit"], ["plan", "check", "--store"], ["get", "users"]], ids=" ".join)
def test_an_impossible_release_name_is_refused(command: list[str], name: str) -> None:
    given = {"TASKQUEUE_REDIS_URL": NO_STORE}
    done = CliRunner().invoke(app, [*command, f"--release={name}"], env=given)
    assert done.exit_code == ExitCode.USAGE
    assert "--release must be 1 to 63 letters, digits, dots" in " ".join(done.stderr.split())
    assert done.stderr.strip().isprintable()


def test_an_empty_variable_is_no_release() -> None:
    done = CliRunner().invoke(app, ["audit"], env={"TASKQUEUE_REDIS_URL": NO_STORE, "TASKQUEUE_RELEASE": ""})
    assert done.exit_code == ExitCode.USAGE
    assert "(was empty)" in done.stderr


@pytest.mark.parametrize("name", ["default", "shop", "a.b_c-D", "9", "a" * 63])
def test_a_right_name_reaches_the_store(name: str) -> None:
    done = CliRunner().invoke(app, ["audit", "--release", name], env={"TASKQUEUE_REDIS_URL": NO_STORE})
    assert done.exit_code == ExitCode.UNREACHABLE
