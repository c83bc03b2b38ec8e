"""The chart's files agree with each other and with their sources."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from generate import CHART, ROOT, files
from jsonschema import Draft202012Validator
from values_table import read, table

VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))

#: Kubernetes' own types, which the API server checks, and a parent chart's values for all charts.
PASSED_ON = {
    "global",
    "autoscaling.behavior.scaleUp",
    "autoscaling.behavior.scaleDown",
    *(f"affinity.{name}" for name in ("nodeAffinity", "podAffinity", "podAntiAffinity")),
}


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within a schema, by the path of the value; references followed."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}".removeprefix("."))


NODES = dict(nodes(SCHEMA))


def test_generated_files_equal_their_sources() -> None:
    for path, content in files().items():
        assert path.read_text("utf-8") == content, f"{path}: run `make generate`"


def test_the_chart_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert [chart["version"], chart["appVersion"]] == [project["version"]] * 2
    images = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    ours = [one["image"] for one in images if one["name"] != "redis"]
    assert {image.partition(":")[2] for image in ours} == {project["version"]}


def test_the_annotations_match_the_definitions() -> None:
    annotations = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))["annotations"]
    definitions = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    told = yaml.safe_load(annotations["artifacthub.io/crds"])
    assert [one["name"] for one in told] == [one["metadata"]["name"] for one in definitions]
    schemas = {
        one["spec"]["names"]["kind"]: one["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for one in definitions
    }
    for example in yaml.safe_load(annotations["artifacthub.io/crdsExamples"]):
        Draft202012Validator(schemas[example["kind"]]).validate(example)


def test_the_defaults_are_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(VALUES)


def test_values_and_schema_have_the_same_keys() -> None:
    def paths(values: Any, path: str = "") -> Iterator[str]:
        for name, value in values.items():
            yield path + name
            if isinstance(value, dict):
                yield from paths(value, f"{path}{name}.")

    maps = {path for path, node in NODES.items() if node.get("type") == "object" and "properties" not in node}
    has_default = {path for path in paths(VALUES) if path.rpartition(".")[0] not in maps}
    unset = re.compile(
        r"^global$|\.(affinity|behavior)\.|^autoscaling\.behavior\.|\.(requests|limits|claims)$"
    )
    assert has_default <= set(NODES)
    assert {path for path in NODES if path and not unset.search(path)} <= has_default


def test_nothing_unknown_is_taken_but_within_kubernetes_own_types() -> None:
    for path, node in NODES.items():
        if node.get("type") == "object" and not path.endswith(tuple(PASSED_ON)):
            assert "additionalProperties" in node, path
            closed = node["additionalProperties"] is False or "properties" not in node
            assert closed, path


def test_a_value_without_a_comment_is_named() -> None:
    with pytest.raises(ValueError, match=r"write a comment above worker\.threads"):
        read("worker:\n  # Slots.\n  slots: 1\n\n  threads: 2\n")


def test_a_comment_above_a_mapping_covers_the_mapping() -> None:
    assert '| `resources` | `{"requests": {"cpu": 1}}` | What it asks for. |' in table(
        "# What it asks for.\nresources:\n  requests: {cpu: 1}\n"
    )
