"""Origin of images: named by the values, by a registry of all charts, and never by a default."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.chart.helm import CHART, Helm
from tests.support.chart.rendered import pods

DEVELOPMENT = CHART / "ci" / "development-values.yaml"
#: Repository of the worker, registry of all charts, image.
NAMES = [
    ("taskqueue-worker", "", "taskqueue-worker:0.1.0"),
    ("taskqueue-worker", "registry.example.com", "registry.example.com/taskqueue-worker:0.1.0"),
    (
        "shop/worker",
        "registry.example.com:5000/mirror/",
        "registry.example.com:5000/mirror/shop/worker:0.1.0",
    ),
    ("localhost/worker", "registry.example.com", "localhost/worker:0.1.0"),
    ("localhost:5000/worker", "registry.example.com", "localhost:5000/worker:0.1.0"),
    ("ghcr.example.com/shop/worker", "registry.example.com", "ghcr.example.com/shop/worker:0.1.0"),
    ("registry:5000/worker", "registry.example.com", "registry:5000/worker:0.1.0"),
    ("REGISTRY/worker", "registry.example.com", "REGISTRY/worker:0.1.0"),
    ("a__b/c---d.e", "", "a__b/c---d.e:0.1.0"),
]
#: Secrets of the chart, of all charts, of the pods.
SECRETS: list[tuple[list[Any], list[Any], list[str]]] = [
    ([], [], []),
    (["a"], [], ["a"]),
    ([{"name": "a"}], ["b"], ["a", "b"]),
    (["a", {"name": "b"}], [{"name": "a"}, "c"], ["a", "b", "c"]),
]


@pytest.mark.parametrize(("repository", "registry", "image"), NAMES)
def test_the_global_registry_prefixes_unqualified_names(
    helm: Helm, repository: str, registry: str, image: str
) -> None:
    named = ("--set", f"worker.image.repository={repository}", "--set", f"global.imageRegistry={registry}")
    found = pods(helm.objects(DEVELOPMENT, *named))
    assert found["taskqueue-worker"]["containers"][0]["image"] == image
    registry_path = f"{registry.removesuffix('/')}/" if registry else ""
    assert found["taskqueue-redis"]["containers"][0]["image"] == f"{registry_path}valkey/valkey:9.1"


@pytest.mark.parametrize(("own", "shared", "names"), SECRETS)
def test_pull_secrets_are_merged_for_every_pod(
    helm: Helm, own: list[Any], shared: list[Any], names: list[str]
) -> None:
    given = ["--set-json", f"imagePullSecrets={json.dumps(own)}"]
    given += ["--set-json", f"global.imagePullSecrets={json.dumps(shared)}"]
    for name, pod in pods(helm.objects(DEVELOPMENT, *given)).items():
        assert [one["name"] for one in pod.get("imagePullSecrets", [])] == names, name


def test_a_parent_chart_s_registry_and_secrets_reach_the_pods(helm: Helm, tmp_path: Path) -> None:
    shutil.copytree(CHART, tmp_path / "charts" / "taskqueue")
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: parent, version: 1.0.0}")
    values = {
        "global": {"imageRegistry": "mirror.example.com", "imagePullSecrets": ["a"], "storageClass": "fast"},
        "taskqueue": {
            "imagePullSecrets": [{"name": "b"}],
            "redis": {"development": {"enabled": True}},
            **{part: {"image": {"repository": f"shop/{part}"}} for part in ("operator", "worker")},
        },
    }
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    found = pods(list(yaml.safe_load_all(helm.run("template", "taskqueue", str(tmp_path)))))
    assert {pod["containers"][0]["image"] for pod in found.values()} == {
        "mirror.example.com/shop/operator:0.1.0",
        "mirror.example.com/shop/worker:0.1.0",
        "mirror.example.com/valkey/valkey:9.1",
    }
    assert [pod["imagePullSecrets"] for pod in found.values()] == [[{"name": "b"}, {"name": "a"}]] * 4


def test_the_missing_image_refusal_names_the_fallback(helm: Helm) -> None:
    chosen = {
        "redis.development.enabled": "true",
        "console.enabled": "true",
        "console.credentials.existingSecret": "console",
    }
    store = (f"--set={name}={value}" for name, value in chosen.items())
    place = ("template", "taskqueue", str(CHART), *store)
    said = helm.refused(*place)
    commands = re.findall(r"^  ((?:docker|kind) .*)$", said, re.MULTILINE)
    for target in ("operator", "worker", "api"):
        for registry, moved in (
            ("registry.example.com", "docker push"),
            ("localhost", "kind load docker-image"),
        ):
            image = f"{registry}/taskqueue-{target}:0.1.0"
            assert f"docker build -f deploy/docker/Dockerfile --target {target} -t {image} ." in commands
            assert f"{moved} {image}" in commands
    named = re.findall(r"^  (--set) (\S+)$", said, re.MULTILINE)
    rendered = helm.run(*place, *(word for pair in named for word in pair))
    assert "localhost/taskqueue-operator:0.1.0" in rendered
    assert "localhost/taskqueue-worker:0.1.0" in rendered
    assert "localhost/taskqueue-api:0.1.0" in rendered
