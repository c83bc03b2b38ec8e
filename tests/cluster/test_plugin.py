"""`kubectl taskqueue` as a person runs it: the real kubectl finds it, and the node is asked to run the command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taskqueue.cli.exit_codes import ExitCode
from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.kubelet import SAYS, node
from tests.support.kubernetes.shop import ROOT
from tests.support.site.site import until

LABELS = {"app.kubernetes.io/name": "taskqueue", "app.kubernetes.io/component": "operator"}
#: Stands in for the node: what kubectl is to run in a pod runs here, and all else is the real kubectl's.
RUNS_HERE = """#!/bin/sh
for word in "$@"; do
  if [ "$word" = exec ]; then
    while [ "$1" != -- ]; do shift; done
    shift; exec "$@"
  fi
done
exec {kubectl} "$@"
"""


@pytest.fixture
def path(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on PATH, with kubectl in it; the plugin is where taskqueue is installed."""
    (tmp_path / "kubectl").symlink_to(cluster.program)
    installed = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), installed, "/usr/bin", "/bin"]))
    return tmp_path


def taskqueue(cluster: Cluster, namespace: str, *args: str) -> subprocess.CompletedProcess[str]:
    return cluster.attempt("taskqueue", "-n", namespace, *args)


def run_pod(
    cluster: Cluster, namespace: str, name: str, state: dict[str, Any], *, node_name: str = "", **more: str
) -> None:
    """Make a pod with a container in a state."""
    container = {"name": "operator", "image": "nowhere.invalid/taskqueue"}
    spec = {"containers": [container]} | ({"nodeName": node_name} if node_name else {})
    metadata = {
        "name": name,
        "labels": LABELS | {f"app.kubernetes.io/{key}": value for key, value in more.items()},
    }
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(made))
    of_container = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "restartCount": 0,
        "ready": "running" in state,
        "state": state,
    }
    status = {"phase": "Running", "containerStatuses": [of_container]}
    patch = ("--subresource=status", "--type=merge", "--patch", json.dumps({"status": status}))
    cluster.kubectl("patch", "pod", name, "-n", namespace, *patch)


def test_kubectl_finds_the_plugin_and_local_runs_here(
    cluster: Cluster, path: Path, redis_url: str, release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = cluster.kubectl("plugin", "list")
    assert str(Path(sys.executable).parent / "kubectl-taskqueue") in listed
    assert "Usage: kubectl taskqueue" in cluster.kubectl("taskqueue", "--help")
    monkeypatch.setenv("TASKQUEUE_REDIS_URL", redis_url)
    monkeypatch.setenv("TASKQUEUE_RELEASE", release)
    assert json.loads(cluster.kubectl("taskqueue", "--local", "get", "types", "-o", "json")) == []
    unknown = cluster.attempt("taskqueue", "describe", "type", "nowhere", "--local")
    assert (unknown.returncode, "no such task type" in unknown.stderr) == (ExitCode.NOT_FOUND, True)


def test_a_missing_operator_is_explained(cluster: Cluster, path: Path, namespace: str) -> None:
    missing = taskqueue(cluster, namespace, "audit")
    assert missing.returncode == ExitCode.REFUSED
    assert "no pod with the labels app.kubernetes.io/name=taskqueue,app.kubernetes.io/component=operator" in (
        missing.stderr
    )
    run_pod(cluster, namespace, "broken", {"waiting": {"reason": "CrashLoopBackOff"}})
    broken = taskqueue(cluster, namespace, "audit")
    assert broken.returncode == ExitCode.REFUSED
    assert "the operator does not run: broken (CrashLoopBackOff)" in broken.stderr
    nowhere = cluster.attempt("taskqueue", "--context", "nowhere", "audit")
    assert nowhere.returncode == 1
    assert "context was not found for specified context: nowhere" in nowhere.stderr, "as kubectl says it"


def test_a_command_in_the_pod_answers_through_kubectl(
    cluster: Cluster,
    path: Path,
    namespace: str,
    redis_url: str,
    release: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_pod(cluster, namespace, "one", {"running": {}}, instance="one")
    run_pod(cluster, namespace, "two", {"running": {}}, instance="two")
    (path / "kubectl").unlink()
    (path / "kubectl").write_text(RUNS_HERE.format(kubectl=cluster.program))
    (path / "kubectl").chmod(0o755)
    several = taskqueue(cluster, namespace, "audit")
    assert several.returncode == ExitCode.REFUSED
    assert "choose one with --instance one or two" in several.stderr
    monkeypatch.setenv("TASKQUEUE_REDIS_URL", redis_url)
    monkeypatch.setenv("TASKQUEUE_RELEASE", release)
    found = taskqueue(cluster, namespace, "get", "types", "-o", "json", "--instance", "two")
    assert (found.returncode, found.stdout, found.stderr) == (0, "[]\n", "")
    users = '{"userId": "ada", "tasks": [{"type": "sync"}]}\n'
    importing = ("taskqueue", "-n", namespace, "--instance=two", "users", "import", "-", "-o", "json")
    assert json.loads(cluster.kubectl(*importing, stdin=users))["written"] == 1
    unknown = taskqueue(cluster, namespace, "--instance=two", "describe", "type", "nowhere")
    assert unknown.returncode == ExitCode.NOT_FOUND


async def test_the_node_gets_the_exact_command_with_shipped_rights(
    control_plane: ControlPlane, path: Path, namespace: str
) -> None:
    name = f"{namespace}-node"
    control_plane.authority.server(name, [name], ["127.0.0.1"])
    control_plane.kubectl(
        "apply", "-n", namespace, "-f", str(ROOT / "deploy" / "kubernetes" / "cli-role.yaml")
    )
    bound = ("--role=taskqueue-cli", f"--serviceaccount={namespace}:default")
    control_plane.kubectl("create", "rolebinding", "cli", "-n", namespace, *bound)
    person = control_plane.seen_by("default", namespace)

    async def allowed() -> bool:  # the API server learns of its own roles by a watch
        return (
            person.attempt(
                "auth", "can-i", "create", "pods", "--subresource=exec", "-n", namespace
            ).returncode
            == 0
        )

    await until("the role is known", allowed)
    with node(control_plane, name, control_plane.authority.folder / f"{name}.crt") as kubelet:
        run_pod(control_plane, namespace, "operator", {"running": {}}, node_name=name)
        ran = taskqueue(person, namespace, "run", "fetch-orders", "ada", "--params", '{"a": "b c"}')
    assert ran.returncode == 1
    assert "orbidden" not in ran.stderr
    path_asked, query = kubelet.asked[0]
    assert path_asked == f"/exec/{namespace}/operator/operator"
    words = [value for key, value in query if key == "command"]
    assert words == ["taskqueue", "run", "fetch-orders", "ada", "--params", '{"a": "b c"}']
    assert {key for key, _ in query} == {"command", "output", "error"}, "no terminal, and no input"
    assert SAYS in ran.stderr
