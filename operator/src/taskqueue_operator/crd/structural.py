"""pydantic's JSON schema becomes a structural schema, the subset of OpenAPI that Kubernetes takes.

Two things are left out on purpose:

- `pattern` and `minLength`. Their messages show a regular expression or a number, and a violation keeps the API
  server from evaluating any rule. A rule in CEL, with a sentence, stands in for each.
- Defaults that say nothing: none, false and empty mappings. A figure or a word that one would have to look up
  (`timeout: 30s`, `priority: Normal`) is filled in by the API server, so that `kubectl get -o yaml` shows what is in
  effect and a later release cannot change it under an object. Nor has anything inside a list a default: 500 tasks would
  carry it 500 times.

An optional field may be null, which stands for a field that is not there: where it has a default the API server puts
that in its place, else it is `nullable`. A rule's `has()` takes a null for absent.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

_INT_OR_STRING = "x-kubernetes-int-or-string"
_KEPT = (
    "description",
    "type",
    "enum",
    "format",
    _INT_OR_STRING,
    "x-kubernetes-preserve-unknown-fields",
    "minimum",
    "maximum",
    "maxLength",
    "maxItems",
    "maxProperties",
    "required",
)
_LEFT_OUT = {"$defs", "title", "pattern", "minLength", "uniqueItems"}
_TURNED = {"const", "exclusiveMinimum", "default", "properties", "items", "additionalProperties"}


def structural(schema: Mapping[str, Any]) -> Schema:
    """Turn a model's JSON schema into a structural one.

    Raises ValueError for a keyword that nobody has thought about yet.
    """
    return _turned(schema, schema.get("$defs", {}), shows_defaults=True)


def _turned(schema: Mapping[str, Any], defs: Mapping[str, Any], *, shows_defaults: bool) -> Schema:
    flat = _flat(schema, defs)
    unknown = flat.keys() - set(_KEPT) - _LEFT_OUT - _TURNED
    if unknown:
        raise ValueError(f"no structural schema can say {', '.join(sorted(unknown))}")
    if "exclusiveMinimum" in flat and flat.get("type") != "integer":
        raise ValueError("write a bound that includes itself: only integers have a next one")
    turned = {keyword: flat[keyword] for keyword in _KEPT if keyword in flat}
    if shows_defaults and _says_something(flat.get("default")):
        turned["default"] = flat["default"]
    if "description" in turned:
        turned["description"] = " ".join([turned["description"], *_notes(turned)])
    if "properties" in flat:
        properties = {
            name: _turned(inner, defs, shows_defaults=shows_defaults)
            for name, inner in flat["properties"].items()
        }
        for name in properties.keys() - set(flat.get("required", ())):
            if "default" not in properties[name]:
                properties[name]["nullable"] = True
        turned["properties"] = properties
    if "items" in flat:
        turned["items"] = _turned(flat["items"], defs, shows_defaults=False)
    if flat.get("additionalProperties"):
        turned["additionalProperties"] = _turned(flat["additionalProperties"], defs, shows_defaults=False)
    return turned


def _flat(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Schema:
    """Put what a reference or `anyOf: [X, null]` leads to in its place, where what is written there already wins.

    What pydantic says in words that Kubernetes does not take, it says in others afterwards.
    """
    flat = dict(schema)
    if "$ref" in flat:
        flat = _flat(defs[flat.pop("$ref").removeprefix("#/$defs/")], defs) | flat
    given = list(_without_null(flat.get("anyOf", ())))
    if len(given) == 1:
        del flat["anyOf"]
        flat = _flat(given[0], defs) | flat
    if flat.get(_INT_OR_STRING):
        flat.pop("anyOf", None)  # it is implied, and written out it is three more lines of every refusal
    if "const" in flat:
        flat["enum"] = [flat["const"]]
    if "exclusiveMinimum" in flat:
        flat["minimum"] = flat["exclusiveMinimum"] + 1
    return flat


def _without_null(choices: Any) -> Iterator[Mapping[str, Any]]:
    yield from (choice for choice in choices if choice != {"type": "null"})


def _notes(turned: Schema) -> Iterator[str]:
    """Say in words what `kubectl explain` does not show of a schema."""
    if "minimum" in turned and "maximum" in turned:
        yield f"From {turned['minimum']} to {turned['maximum']}."
    if isinstance(turned.get("default"), str | int):
        yield f"Defaults to {turned['default']}."


def _says_something(default: Any) -> bool:
    if isinstance(default, dict):
        return any(_says_something(inner) for inner in default.values())
    return default not in (None, False, [])
