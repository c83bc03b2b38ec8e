"""`kubectl taskqueue`: the same command, run where the store can be reached.

A laptop seldom reaches the Redis of a cluster; the operator's pod does. So the command line is handed to `kubectl exec`
in that pod, and kubectl then takes the place of this process: terminal, input, output, signals and exit code are its
own. It is the kubectl on PATH with the caller's rights. Knows of Kubernetes no more than that, and of the operator only
the labels and the container that its pods have.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import say

LABELS = "app.kubernetes.io/name=taskqueue,app.kubernetes.io/component=operator"
#: Tells the operators of several releases in one namespace apart.
INSTANCE = "app.kubernetes.io/instance"
CONTAINER = "operator"
#: What kubectl is to know of where; it refuses flags that stand before the name of a plugin.
WHERE = {name: name for name in ("--namespace", "--context", "--kubeconfig")} | {"-n": "--namespace"}
USAGE = f"""\
Usage: kubectl taskqueue [OPTIONS] COMMAND...

The `taskqueue` command, run in the pod of the operator, which reaches the store.
A file that COMMAND names is a file of that pod; `users import -` reads this input.

  -n, --namespace NAME  Where the operator is; else the namespace of the context.
  --context NAME        As for kubectl.
  --kubeconfig FILE     As for kubectl.
  --instance NAME       Which of several operators: its pods' {INSTANCE}.
  --local               Run COMMAND on this machine, on the store that --redis-url
                        or TASKQUEUE_REDIS_URL names.

`kubectl taskqueue --local --help` lists the commands.
"""


@dataclass(slots=True)
class Call:
    """What was asked for. where: options for kubectl."""

    command: list[str] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    instance: str = ""
    local: bool = False


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the operator. state: of its container, in a word."""

    name: str
    instance: str
    running: bool
    ready: bool
    state: str


def run() -> NoReturn:
    """Run the command with the arguments of this process, here or there."""
    call = parse(sys.argv[1:])
    if call.local:
        sys.argv[1:] = call.command
        from taskqueue.cli.main import run as run_here  # noqa: PLC0415 - slow

        run_here()
        sys.exit()
    if call.command in ([], ["-h"], ["--help"]):
        sys.stdout.write(USAGE)
        sys.exit(ExitCode.OK if call.command else ExitCode.USAGE)
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        _refuse(
            "kubectl is not on PATH: install it, or write --local to run this on a store that can be reached"
        )
    selector = f"{LABELS},{INSTANCE}={call.instance}" if call.instance else LABELS
    pod = choose(_pods(kubectl, call.where, selector), selector)
    into = ["exec", pod.name, "--container", CONTAINER, *_input(call.command)]
    os.execv(kubectl, [kubectl, *call.where, *into, "--", "taskqueue", *call.command])  # noqa: S606


def parse(arguments: Sequence[str]) -> Call:
    """Take our own options out, wherever they stand before a `--`. Exits where one has no value."""
    call = Call()
    words = iter(arguments)
    for word in words:
        name, is_given, value = word.partition("=")
        if word == "--":
            call.command += [word, *words]
        elif word == "--local":
            call.local = True
        elif name in WHERE or name == "--instance":
            value = value if is_given else next(words, "")
            if not value:
                say(f"{name} needs a value; `kubectl taskqueue --help` shows how")
                sys.exit(ExitCode.USAGE)
            if name == "--instance":
                call.instance = value
            else:
                call.where += [WHERE[name], value]
        else:
            call.command.append(word)
    return call


def choose(pods: Iterable[Pod], selector: str) -> Pod:
    """A pod whose container runs, and a ready one if there is one. Exits where there is none, or they are not alike.

    One that is not ready will do: that the store lost its cursor is mended by a command, too.
    """
    found = list(pods)
    running = sorted((pod for pod in found if pod.running), key=lambda pod: (not pod.ready, pod.name))
    if not found:
        _refuse(
            f"no pod with the labels {selector}: -n NAMESPACE looks in another namespace, and --local runs this here"
        )
    if not running:
        states = ", ".join(f"{pod.name} ({pod.state})" for pod in found)
        _refuse(
            f"the operator does not run: {states}; `kubectl describe pod` says why, and --local runs this here"
        )
    instances = sorted({pod.instance for pod in running})
    if len(instances) > 1:
        _refuse(f"several operators run here: choose one with --instance {' or '.join(instances)}")
    if not running[0].ready:
        say(f"the operator is not ready ({running[0].name}); its answer may say why")
    return running[0]


def _input(command: Sequence[str]) -> list[str]:
    """A terminal if there is one; else this input only where it is asked for: it may be that of a loop in a shell."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        return ["--stdin", "--tty"]
    return ["--stdin"] if "-" in command else []


def _pods(kubectl: str, where: Sequence[str], selector: str) -> list[Pod]:
    listed = [kubectl, *where, "get", "pods", "--selector", selector, "--output", "json"]
    answer = subprocess.run(listed, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if answer.returncode:
        sys.exit(answer.returncode)  # kubectl has said why
    return [_pod(raw) for raw in json.loads(answer.stdout)["items"]]


def _pod(raw: dict[str, Any]) -> Pod:
    meta, status = raw["metadata"], raw.get("status", {})
    containers = {one["name"]: one for one in status.get("containerStatuses", ())}
    container = containers.get(CONTAINER, {})
    leaving = "deletionTimestamp" in meta
    state = container.get("state", {})
    reasons = (one.get("reason", "") for one in state.values())
    return Pod(
        name=meta["name"],
        instance=meta.get("labels", {}).get(INSTANCE, ""),
        running="running" in state and not leaving,
        ready=container.get("ready", False),
        state="Terminating" if leaving else next(filter(None, reasons), status.get("phase", "Unknown")),
    )


def _refuse(sentence: str) -> NoReturn:
    say(sentence)
    sys.exit(ExitCode.REFUSED)
