"""Kubernetes objects of a release under test: task types, subscriptions, and a disk for Redis."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from tests.support.site.site import manifest

NAME = "taskqueue"
Object = dict[str, Any]


def task_type(name: str, interval: str, function: str = "call", **spec: Any) -> Object:
    return manifest(
        "TaskType", name, {"schedule": {"interval": interval}, "handler": {"function": function}, **spec}
    )


def rate_limit(name: str, requests: int) -> Object:
    """Return a Release limit of so many requests a second."""
    return manifest("RateLimit", name, {"key": "Release", "rate": {"requests": requests, "per": "1s"}})


def subscriptions(users: int, types: Collection[str]) -> list[Object]:
    tasks = [{"type": one} for one in types]
    return [manifest("UserSubscription", f"u-{n:04}", {"tasks": tasks}) for n in range(users)]


def volume(folder: Path, namespace: str) -> Object:
    """Return a volume in a folder of the first node, bound to the claim of the chart's Redis."""
    path = folder / f"{namespace}-redis"
    path.mkdir()
    path.chmod(0o777)  # Redis runs as a user of its image's own
    claim = {"namespace": namespace, "name": f"data-{NAME}-redis-0"}
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{namespace}-redis"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "claimRef": claim,
            "hostPath": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
