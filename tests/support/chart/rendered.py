"""Read rendered objects, and the mode chosen by a values file."""

from pathlib import Path
from typing import Any

import yaml


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in objects if one["kind"] == kind]


def pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Spec of every pod in the objects, by the name of the object."""
    found = {}
    for one in objects:
        spec = one["spec"] if one["kind"] == "Pod" else one.get("spec", {}).get("template", {}).get("spec")
        if spec:
            found[one["metadata"]["name"]] = spec
    return found


def worker(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [one for one in of_kind(objects, "Deployment") if one["metadata"]["name"].endswith("-worker")]
    return found


def mode(case: Path) -> str:
    found: str = (yaml.safe_load(case.read_text("utf-8")).get("autoscaling") or {}).get("mode", "none")
    return found


def variables(pod: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in pod["containers"][0]["env"]}
