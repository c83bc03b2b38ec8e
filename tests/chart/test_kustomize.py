"""kustomize, as built into kubectl, on manifests and on the project's plain manifests."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.chart.helm import CHART
from tests.support.chart.rendered import pods
from tests.support.kubernetes.cluster import Cluster

DEPLOY = CHART.parents[1] / "deploy"
FILES = ("namereference.yaml", "prefix-task-types.yaml")
OBJECTS = """
apiVersion: taskqueue.dev/v1alpha1
kind: TaskType
metadata: {name: fetch}
spec: {schedule: {interval: 5m}, handler: {function: fetch}}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: ada}
spec: {userId: u-1, tasks: [{type: fetch, params: {type: fetch}}, {type: elsewhere}]}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: bob}
spec: {tasks: [{type: elsewhere}, {type: fetch}]}
"""


@pytest.fixture
def kubectl(tools: Path, tmp_path: Path) -> Cluster:
    """kubectl, for tests without a cluster."""
    return Cluster(tools / "kubectl", tmp_path / "none", tmp_path)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with objects and with the files that the project ships."""
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "objects.yaml").write_text(OBJECTS)
    for name in FILES:
        shutil.copy(DEPLOY / "kustomize" / name, folder)
    return folder


def written(kubectl: Cluster, folder: Path, **lines: Any) -> list[dict[str, Any]]:
    """Render a folder with these lines in its kustomization.yaml."""
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(lines))
    return list(yaml.safe_load_all(kubectl.kubectl("kustomize", str(folder))))


def users(objects: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the types of each user by the user's id, as the operator reads it."""
    return {
        one["spec"].get("userId", one["metadata"]["name"]): [task["type"] for task in one["spec"]["tasks"]]
        for one in objects
        if one["kind"] == "UserSubscription"
    }


def types(objects: list[dict[str, Any]]) -> list[str]:
    return [one["metadata"]["name"] for one in objects if one["kind"] == "TaskType"]


def test_a_prefix_renames_types_in_subscriptions(kubectl: Cluster, base: Path) -> None:
    lines = {"resources": ["objects.yaml"], "configurations": [FILES[0]]}
    objects = written(kubectl, base, namePrefix="eu-", nameSuffix="-2", **lines)
    assert types(objects) == ["eu-fetch-2"]
    assert users(objects) == {"u-1": ["eu-fetch-2", "elsewhere"], "eu-bob-2": ["elsewhere", "eu-fetch-2"]}
    (ada,) = [one for one in objects if one["spec"].get("userId")]
    assert ada["spec"]["tasks"][0]["params"] == {"type": "fetch"}


def test_a_prefix_renames_limits_everywhere(kubectl: Cluster, base: Path) -> None:
    rate = "rate: {requests: 1, per: 1s}"
    limits = [
        f"metadata: {{name: app}}\nspec: {{key: Release, {rate}}}",
        f"metadata: {{name: shop}}\nspec: {{key: User, {rate}, within: app}}",
    ]
    head = "---\napiVersion: taskqueue.dev/v1alpha1\nkind: RateLimit\n"
    named = OBJECTS.replace("handler:", "limits: [{name: app}, {name: shop}], handler:").replace(
        "userId: u-1,", f"userId: u-1, limits: [{{name: shop, {rate}}}],"
    )
    (base / "objects.yaml").write_text(named + "".join(f"{head}{one}\n" for one in limits))
    objects = written(kubectl, base, namePrefix="eu-", resources=["objects.yaml"], configurations=[FILES[0]])
    specs = {one["metadata"]["name"]: one["spec"] for one in objects}
    assert [limit["name"] for limit in specs["eu-fetch"]["limits"]] == ["eu-app", "eu-shop"]
    assert [limit["name"] for limit in specs["eu-ada"]["limits"]] == ["eu-shop"]
    assert specs["eu-shop"]["within"] == "eu-app"
    assert "eu-app" in specs


def test_a_prefix_without_the_file_breaks_references(kubectl: Cluster, base: Path) -> None:
    objects = written(kubectl, base, namePrefix="eu-", resources=["objects.yaml"])
    assert types(objects) == ["eu-fetch"]
    assert users(objects)["u-1"] == ["fetch", "elsewhere"]


def test_a_prefix_of_types_alone_changes_no_user_id(kubectl: Cluster, base: Path) -> None:
    lines = {"resources": ["objects.yaml"], "configurations": [FILES[0]], "transformers": [FILES[1]]}
    objects = written(kubectl, base, **lines)
    assert types(objects) == ["eu-fetch"]
    assert users(objects) == {"u-1": ["eu-fetch", "elsewhere"], "bob": ["elsewhere", "eu-fetch"]}


def test_an_overlay_adds_its_prefix_to_its_base(kubectl: Cluster, base: Path, tmp_path: Path) -> None:
    written(kubectl, base, namePrefix="eu-", resources=["objects.yaml"], configurations=[FILES[0]])
    overlay = tmp_path / "overlay"
    overlay.mkdir()
    shutil.copy(base / FILES[0], overlay)
    objects = written(kubectl, overlay, namePrefix="two-", resources=["../base"], configurations=[FILES[0]])
    assert types(objects) == ["two-eu-fetch"]
    assert users(objects)["u-1"] == ["two-eu-fetch", "elsewhere"]


def test_the_plain_manifests_name_placeholder_images(kubectl: Cluster) -> None:
    plain = [one for one in yaml.safe_load_all((DEPLOY / "manifests" / "taskqueue.yaml").read_text()) if one]
    named = list(yaml.safe_load_all(kubectl.kubectl("kustomize", str(DEPLOY / "manifests"))))
    assert images(plain) == {f"registry.invalid/taskqueue-{one}:0.1.0" for one in ("operator", "worker")}
    assert images(named) == {f"registry.example.com/taskqueue-{one}:0.1.0" for one in ("operator", "worker")}


def images(objects: list[dict[str, Any]]) -> set[str]:
    return {container["image"] for pod in pods(objects).values() for container in pod["containers"]}
