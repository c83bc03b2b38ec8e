"""Deployments of restricted pods, and the sources of an explanation when they do not run."""

import json
from typing import Any

from tests.support.kubernetes.cluster import Cluster, KubectlError

#: What pod-security.kubernetes.io/enforce=restricted asks of a pod, and of a container; and no writing to its root.
POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


def deployment(
    name: str, image: str, *, pod: dict[str, Any] | None = None, **container: Any
) -> dict[str, Any]:
    """One replica. pod, container: more fields of their specs, as Kubernetes has them."""
    labels = {"app": name}
    one = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never",
        "securityContext": CONTAINER,
        **container,
    }
    spec = {"securityContext": POD, "terminationGracePeriodSeconds": 0, **(pod or {}), "containers": [one]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def run(cluster: Cluster, namespace: str, made: dict[str, Any], limit_s: int = 50) -> str:
    """Create a deployment, wait until its pods are available, and return its name as kubectl wants it."""
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(made))
    name = f"deployment/{made['metadata']['name']}"
    try:
        cluster.kubectl("rollout", "status", name, "-n", namespace, f"--timeout={limit_s}s")
    except KubectlError as failed:
        said = cluster.attempt("logs", name, "-n", namespace, "--tail=30", "--prefix").stdout
        raise KubectlError(
            f"{failed}\n{cluster.kubectl('describe', 'pods', '-n', namespace)}\n{said}"
        ) from None
    return name


def env(**values: str) -> list[dict[str, str]]:
    """Make the list that Kubernetes wants."""
    return [{"name": name, "value": value} for name, value in values.items()]
