"""The plugin `kubectl taskqueue`: its own options, and the choice of an operator pod."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.lazy import LazyCommand
from taskqueue.cli.main import app
from taskqueue.cli.operator_pod import Pod, choose
from taskqueue.cli.plugin import SHORT_NAMESPACE, Call, parse, run
from taskqueue.cli.plugin import app as plugin


def test_plugin_options_may_stand_anywhere() -> None:
    asked = (
        "get",
        "-n",
        "shop",
        "types",
        "--context=prod",
        "-o",
        "json",
        "--instance",
        "a",
        "--kubeconfig",
        "f",
    )
    assert parse(asked) == Call(
        command=("get", "types", "-o", "json"),
        kubectl=("--namespace", "shop", "--context", "prod", "--kubeconfig", "f"),
        instance="a",
    )
    assert parse(["--local", "audit"]) == Call(command=("audit",), local=True)
    assert parse(["run", "a", "b", "--", "-n", "--local"]).command == ("run", "a", "b", "--", "-n", "--local")
    assert parse(["get", "types", "-ojson", "-n=shop"]) == Call(
        command=("get", "types", "-ojson"), kubectl=("--namespace", "shop")
    )


def names(command: Any) -> set[str]:
    """Every option of a command and of all below it."""
    command = command.load() if isinstance(command, LazyCommand) else command
    own = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return own.union(*map(names, getattr(command, "commands", {}).values()))


def test_no_command_has_an_option_of_the_same_name() -> None:
    known = names(get_command(app))
    assert "--output" in known
    own = names(get_command(plugin))
    assert "--namespace" in own
    assert not known & {*own, SHORT_NAMESPACE}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["get", "types", "-n"], "Option '--namespace' requires an argument"),
        (["--context=", "audit"], "'--context': needs a value"),
    ],
)
def test_an_option_without_a_value_is_a_wrong_use(
    asked: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(asked)
    assert ended.value.code == ExitCode.USAGE
    assert words in capsys.readouterr().err


def pod(name: str, *, instance: str = "shop", running: bool = True, ready: bool = True) -> Pod:
    return Pod(name, instance, running, ready, "Running" if running else "CrashLoopBackOff")


def test_of_several_replicas_a_ready_one_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert choose([pod("a", running=False), pod("b", ready=False), pod("c")], "").name == "c"
    assert capsys.readouterr().err == ""


def test_an_unready_pod_is_used_with_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    assert choose([pod("a", running=False), pod("b", ready=False)], "").name == "b"
    assert "the operator is not ready (b)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pods", "words"),
    [
        ([], "no pod with the labels some=label: -n NAMESPACE"),
        ([pod("a", running=False)], "the operator does not run: a (CrashLoopBackOff)"),
        ([pod("a"), pod("b", instance="b")], "choose one with --instance b or shop"),
    ],
)
def test_a_missing_pod_is_explained(pods: list[Pod], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        choose(pods, "some=label")
    assert ended.value.code == ExitCode.REFUSED
    assert words in capsys.readouterr().err


def test_a_missing_kubectl_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sys.argv", ["kubectl-taskqueue", "audit"])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == ExitCode.REFUSED
    assert "kubectl is not on PATH" in capsys.readouterr().err


KUBECTL = """#!/bin/sh
[ "$1" = get ] || { echo "$@"; exit 3; }
echo '{"items": [{"metadata": {"name": "operator-0"}, "status":
  {"containerStatuses": [{"name": "operator", "ready": true, "state": {"running": {}}}]}}]}'
"""


@pytest.mark.parametrize(
    ("at_a_terminal", "command", "given"),
    [
        (True, "get types", " --stdin --tty"),
        (False, "get types", ""),
        (False, "users import -", " --stdin"),
    ],
)
def test_a_terminal_is_passed_on_and_a_pipe_on_request(
    tmp_path: Path, at_a_terminal: bool, command: str, given: str
) -> None:
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    ours, theirs = pty.openpty() if at_a_terminal else os.pipe()
    ran = subprocess.run(
        [sys.executable, "-c", "from taskqueue.cli.plugin import run; run()", *command.split()],
        stdin=theirs if at_a_terminal else subprocess.DEVNULL,
        stdout=theirs,
        env={"PATH": f"{tmp_path}:/bin"},
        timeout=30,
        check=False,
    )
    os.close(theirs)
    said = os.read(ours, 1000).decode().strip()
    os.close(ours)
    assert said == f"exec operator-0 --container operator{given} -- taskqueue {command}"
    assert ran.returncode == 3, "as kubectl ended"
