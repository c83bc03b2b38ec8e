"""The pod of the operator, found with kubectl by its labels."""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import say

LABELS = "app.kubernetes.io/name=taskqueue,app.kubernetes.io/component=operator"
#: The label that tells the operators of several releases in one namespace apart.
INSTANCE = "app.kubernetes.io/instance"
CONTAINER = "operator"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of the operator. state: the state of its container, in one word."""

    name: str
    instance: str
    running: bool
    ready: bool
    state: str


def find_pods(kubectl: str, options: Sequence[str], selector: str) -> list[Pod]:
    """Return the pods that match a selector. Exits with the code of kubectl where it fails."""
    listed = [kubectl, *options, "get", "pods", "--selector", selector, "--output", "json"]
    answer = subprocess.run(listed, stdout=subprocess.PIPE, check=False)  # noqa: S603
    if answer.returncode:
        sys.exit(answer.returncode)  # kubectl has printed the reason
    return [_pod(raw) for raw in json.loads(answer.stdout)["items"]]


def choose(pods: Iterable[Pod], selector: str) -> Pod:
    """Return a pod whose container runs, preferably a ready one.

    A pod that is not ready will do: a store that lost its cursor is repaired by a command, too. Exits with REFUSED
    where no pod runs, or where the pods belong to several operators.
    """
    found = list(pods)
    running = sorted((pod for pod in found if pod.running), key=lambda pod: (not pod.ready, pod.name))
    if not found:
        _refuse(
            f"no pod with the labels {selector}: -n NAMESPACE looks in another namespace, "
            "and --local runs the command on this machine"
        )
    if not running:
        states = ", ".join(f"{pod.name} ({pod.state})" for pod in found)
        _refuse(
            f"the operator does not run: {states}; `kubectl describe pod` shows the reason, "
            "and --local runs the command on this machine"
        )
    instances = sorted({pod.instance for pod in running})
    if len(instances) > 1:
        _refuse(f"several operators run here: choose one with --instance {' or '.join(instances)}")
    if not running[0].ready:
        say(f"the operator is not ready ({running[0].name}); its answer may show the reason")
    return running[0]


def _pod(raw: dict[str, Any]) -> Pod:
    """Return a pod of the answer of kubectl."""
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
