"""The cluster that other tests stand on is a real one: it keeps, refuses, acts and survives."""

import json
import re
from pathlib import Path

import pytest

from tests.support.kubernetes.cluster import Cluster, KubectlError
from tests.support.kubernetes.control_plane import ControlPlane
from tests.support.kubernetes.tools import BUILD
from tests.support.site.site import until

GO_MOD = BUILD.parent / "kubernetes" / "go.mod"


def text_of(cluster: Cluster, namespace: str) -> str:
    found = json.loads(cluster.kubectl("get", "configmap", "kept", "-n", namespace, "-o", "json"))
    return str(found["data"]["text"])


def test_a_config_map_round_trips(cluster: Cluster, namespace: str) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kept", "namespace": namespace},
        "data": {"text": "ahoy\n"},
    }
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))
    assert text_of(cluster, namespace) == "ahoy\n"


def test_a_schema_violation_is_refused_with_its_field(cluster: Cluster, namespace: str) -> None:
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "wrong", "namespace": namespace},
        "spec": {"replicas": -1, "selector": {}, "template": {}},
    }
    with pytest.raises(KubectlError, match=r"spec\.replicas"):
        cluster.kubectl("create", "-f", "-", stdin=json.dumps(manifest))


async def test_a_service_account_has_exactly_the_rights_of_its_role(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "kept", "-n", namespace, "--from-literal=text=seen")
    cluster.kubectl("create", "serviceaccount", "reader", "-n", namespace)
    reader = cluster.seen_by("reader", namespace)
    refused = reader.attempt("get", "configmap", "kept", "-n", namespace)
    assert refused.returncode == 1
    assert "Forbidden" in refused.stderr
    assert f"system:serviceaccount:{namespace}:reader" in refused.stderr

    cluster.kubectl("create", "role", "read", "-n", namespace, "--verb=get", "--resource=configmaps")
    bound = f"--serviceaccount={namespace}:reader"
    cluster.kubectl("create", "rolebinding", "read", "-n", namespace, "--role=read", bound)

    async def allowed() -> bool:  # the API server learns of its own roles by a watch
        return reader.attempt("auth", "can-i", "get", "configmaps", "-n", namespace).returncode == 0

    await until("the role is known", allowed)
    assert text_of(reader, namespace) == "seen"
    assert "Forbidden" in reader.attempt("delete", "configmap", "kept", "-n", namespace).stderr


def test_the_controllers_give_a_deployment_its_pods(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl(
        "create", "deployment", "web", "-n", namespace, "--image=nowhere.invalid/web", "--replicas=2"
    )
    status = ("deployment/web", "-n", namespace, "--for=jsonpath={.status.replicas}=2", "--timeout=30s")
    cluster.kubectl("wait", *status)
    pods = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-l", "app=web", "-o", "json"))
    assert len(pods["items"]) == 2


def test_a_killed_api_server_restarts_with_its_data(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "kept", "-n", namespace, "--from-literal=text=still here")
    control_plane.stop_api()
    try:
        assert "refused" in control_plane.attempt("get", "configmap", "kept", "-n", namespace).stderr
    finally:
        control_plane.start_api()
    assert text_of(control_plane, namespace) == "still here"


def test_the_control_plane_has_the_pinned_version(control_plane: ControlPlane) -> None:
    shown = json.loads(control_plane.kubectl("version", "-o", "json"))
    for side in ("clientVersion", "serverVersion"):
        assert re.findall(r"k8s\.io/kubernetes (\S+)", GO_MOD.read_text()) == [shown[side]["gitVersion"]]


def test_two_control_planes_live_side_by_side(tools: Path, cluster: Cluster, tmp_path: Path) -> None:
    with ControlPlane(tools, tmp_path / "other") as other:
        other.kubectl("create", "namespace", "only-here")
        processes = other.processes()
        assert "NotFound" in cluster.attempt("get", "namespace", "only-here").stderr
    assert [process.returncode for process in processes] == [-9, -9, -9]
