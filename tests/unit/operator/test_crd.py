"""The definitions equal the models, in a schema that Kubernetes accepts."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from taskqueue.models.manifest import parse
from taskqueue.models.rate_limit import RateLimitSpec
from taskqueue.models.task_type import TaskTypeSpec
from taskqueue.models.user_subscription import UserSubscriptionSpec
from taskqueue_operator.crd.definition import definitions, text
from tests.support.manifests.case import task_type

ROOT = Path(__file__).parents[3]
EXAMPLES = [*sorted((ROOT / "examples" / "shop").glob("*.yaml")), ROOT / "examples/single-file/tasks.yaml"]
DEFINITIONS = definitions()
SCHEMAS: dict[str, Any] = {
    definition["spec"]["names"]["kind"]: definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for definition in DEFINITIONS.values()
}
SPECS: dict[str, type[BaseModel]] = {
    "TaskType": TaskTypeSpec,
    "UserSubscription": UserSubscriptionSpec,
    "RateLimit": RateLimitSpec,
}
FORBIDDEN = {
    *(
        "$ref",
        "$defs",
        "title",
        "const",
        "anyOf",
        "oneOf",
        "allOf",
        "not",
        "discriminator",
        "definitions",
    ),
    *(
        "uniqueItems",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "patternProperties",
        "dependencies",
        "id",
        "pattern",
    ),
}


def nodes(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema inside a schema, with its path."""
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{path}.{name}".removeprefix("."))
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from nodes(schema["additionalProperties"], f"{path}{{}}")


NODES = [(kind, path, node) for kind, schema in SCHEMAS.items() for path, node in nodes(schema)]


def fields(model: type[BaseModel], path: str = "spec") -> Iterator[tuple[str, Any]]:
    """Every field inside a model, with its path and its default."""
    for name, field in model.model_fields.items():
        place = f"{path}.{field.alias or name}"
        yield place, field.get_default(call_default_factory=True)
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from fields(part, place + ("[]" if "list" in str(field.annotation) else ""))


FIELDS = [(kind, path, default) for kind, model in SPECS.items() for path, default in fields(model)]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_crd_file_equals_the_models(name: str) -> None:
    written = (ROOT / "crds" / f"{name}.yaml").read_text("utf-8")
    assert written == text(DEFINITIONS[name]), "run `make generate`"
    assert yaml.safe_load(written) == DEFINITIONS[name]


def test_there_is_no_other_file() -> None:
    assert {path.name for path in (ROOT / "crds").iterdir()} == {f"{name}.yaml" for name in DEFINITIONS}


def test_the_schema_is_structural() -> None:
    for kind, path, node in NODES:
        assert not FORBIDDEN & node.keys(), (kind, path)
        assert "type" in node or node.get("x-kubernetes-int-or-string"), (kind, path)
        assert node.get("additionalProperties") is not False


def test_every_optional_field_takes_a_null() -> None:
    for kind, path, node in NODES:
        if path != "spec" and not path.startswith("spec."):
            continue
        for name, inner in node.get("properties", {}).items():
            optional = name not in node.get("required", ())
            assert ("default" in inner or inner.get("nullable", False)) is optional, (kind, path, name)


def test_every_rule_walks_bounded_fields() -> None:
    for kind, path, node in NODES:
        if not path.startswith("spec"):
            continue
        if node.get("type") == "string" and "enum" not in node:
            assert "maxLength" in node, (kind, path)
        if node.get("x-kubernetes-int-or-string"):
            assert "maxLength" in node, (kind, path)
        assert node.get("type") != "array" or "maxItems" in node, (kind, path)
        assert "additionalProperties" not in node or "maxProperties" in node, (kind, path)


def test_every_rule_names_its_field_and_remedy() -> None:
    for _kind, path, node in NODES:
        for rule in node.get("x-kubernetes-validations", ()):
            field = (path + rule.get("fieldPath", "")).rpartition(".")[2].removesuffix("[]")
            assert " must " in rule["message"] or rule["message"].startswith(("add ", "remove "))
            assert "\n" not in rule["message"]
            assert field in rule["message"], rule
            assert field in rule.get("messageExpression", field), rule


def test_no_rule_uses_a_reserved_cel_word() -> None:
    """Kubernetes 1.30 refuses the whole definition for one; 1.36 does not."""
    reserved = (
        "as break const continue else false for function if import in let loop namespace package return true"
    )
    for _kind, _path, node in NODES:
        for rule in node.get("x-kubernetes-validations", ()):
            read = set(re.findall(r"\.(\w+)\b(?!\()", rule["rule"] + rule.get("messageExpression", "")))
            assert not read & {*reserved.split(), "null", "var", "void", "while"}, rule


def test_every_field_of_the_models_is_there_and_described() -> None:
    described = {(kind, path) for kind, path, node in NODES if node.get("description")}
    assert {(kind, path) for kind, path, _ in FIELDS} <= described
    undescribed = {(kind, path) for kind, path, _ in NODES} - described
    assert all(path.endswith(("[]", "{}")) or path == "metadata" for _, path in undescribed), undescribed


def test_every_shown_default_is_the_models() -> None:
    shown = {
        (kind, path): node["default"]
        for kind, path, node in NODES
        if "default" in node and path.startswith("spec.")
    }
    of_model = {
        (kind, path): default.model_dump(by_alias=True) if isinstance(default, BaseModel) else default
        for kind, path, default in FIELDS
    }
    assert len(shown) > 8
    assert shown == {place: of_model[place] for place in shown}


def test_an_object_with_all_defaults_filled_in_means_the_same() -> None:
    filled = {
        path.removeprefix("spec."): node["default"]
        for kind, path, node in NODES
        if kind == "TaskType" and "default" in node and path.count(".") == 1
    }
    assert parse(task_type(**filled)) == parse(task_type())


def test_every_pattern_and_minimum_length_is_kept() -> None:
    places = {
        (kind, path)
        for kind, model in SPECS.items()
        for path, node in _inlined(model.model_json_schema())
        if {"pattern", "minLength"} & node.keys()
    }
    ruled = {
        (kind, path + rule.get("fieldPath", ""))
        for kind, path, node in NODES
        for rule in node.get("x-kubernetes-validations", ())
    }
    assert len(places) > 10
    assert {(kind, f"spec.{path}") for kind, path in places} <= ruled


def _inlined(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Nodes of a model's own schema."""
    defs = schema.get("$defs", {})

    def follow(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield path, node
        if "$ref" in node:
            yield from follow(defs[node["$ref"].rpartition("/")[2]], path)
        for choice in node.get("anyOf", ()):
            yield from follow(choice, path)
        for name, inner in node.get("properties", {}).items():
            yield from follow(inner, f"{path}.{name}".removeprefix("."))
        if "items" in node:
            yield from follow(node["items"], f"{path}[]")

    return follow(schema, "")


def test_items_of_lists_are_unique() -> None:
    lists = {(kind, path): node for kind, path, node in NODES if node.get("type") == "array"}
    assert lists.pop(("TaskType", "spec.lockedParams"))["x-kubernetes-list-type"] == "set"
    lists.pop(("TaskType", "spec.schedule.intervals"))  # a rule: 60s and 1m are one item
    for path in ("", "[].weekdays", "[].dates"):  # what is excluded twice is excluded
        lists.pop(("TaskType", f"spec.schedule.exclude{path}"))
    keys = {place: node["x-kubernetes-list-map-keys"] for place, node in lists.items()}
    assert keys == {
        ("TaskType", "status.conditions"): ["type"],
        ("UserSubscription", "status.conditions"): ["type"],
        ("RateLimit", "status.conditions"): ["type"],
        ("UserSubscription", "spec.tasks"): ["type"],
        ("TaskType", "spec.limits"): ["name"],
        ("UserSubscription", "spec.limits"): ["name"],
    }
    for node in lists.values():
        assert node["x-kubernetes-list-type"] == "map"
        assert set(node["x-kubernetes-list-map-keys"]) <= set(node["items"]["required"])


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_column_shows_an_existing_field(name: str) -> None:
    version = DEFINITIONS[name]["spec"]["versions"][0]
    kind = DEFINITIONS[name]["spec"]["names"]["kind"]
    there = {f".{path}" for of_kind, path, _ in NODES if of_kind == kind} | {".metadata.creationTimestamp"}
    shown = [column["jsonPath"] for column in version["additionalPrinterColumns"]]
    assert all(path.partition("[")[0] in there for path in shown)
    assert all(field["jsonPath"] in there for field in version.get("selectableFields", ()))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_pass(path: Path) -> None:
    documents = [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]
    assert documents
    for document in documents:
        Draft202012Validator(SCHEMAS[document["kind"]]).validate(document)
