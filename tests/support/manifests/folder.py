"""Folders of manifests that tests write."""

import json
import os
from pathlib import Path
from typing import Any

from taskqueue.models.manifest import API_VERSION


def user(name: str, *types: str) -> dict[str, Any]:
    spec = {"tasks": [{"type": task_type} for task_type in types]}
    return {"apiVersion": API_VERSION, "kind": "UserSubscription", "metadata": {"name": name}, "spec": spec}


def task_type(name: str, interval: str = "5m") -> dict[str, Any]:
    spec = {"schedule": {"interval": interval}, "handler": {"function": "f"}}
    return {"apiVersion": API_VERSION, "kind": "TaskType", "metadata": {"name": name}, "spec": spec}


def limit(name: str, **spec: Any) -> dict[str, Any]:
    fields = {"key": "Release", "rate": {"requests": 100, "per": "1s"}} | spec
    return {"apiVersion": API_VERSION, "kind": "RateLimit", "metadata": {"name": name}, "spec": fields}


def under(manifest: dict[str, Any], *names: str) -> dict[str, Any]:
    """Let a type or a user name limits; a user has values of their own there."""
    rate = {"rate": {"requests": 20, "per": "1s"}} if manifest["kind"] == "UserSubscription" else {}
    return manifest | {"spec": manifest["spec"] | {"limits": [{"name": name} | rate for name in names]}}


def every(interval: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """Let all tasks of a user name an interval."""
    tasks = [task | {"interval": interval} for task in manifest["spec"]["tasks"]]
    return manifest | {"spec": manifest["spec"] | {"tasks": tasks}}


def write(path: Path, *manifests: dict[str, Any]) -> Path:
    """Write a file so that its stamp changes even within one tick of the file system's clock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text("".join(f"{json.dumps(manifest)}\n---\n" for manifest in manifests))
    moved = max(before + 1_000_000, path.stat().st_mtime_ns)
    os.utime(path, ns=(moved, moved))
    return path
