"""The conversion of pydantic's JSON schema to a structural schema, the subset of OpenAPI that Kubernetes accepts.

Omitted on purpose:

- `pattern` and `minLength`: their messages show a regular expression or a number, and a violation keeps the API server
  from evaluating any rule. A rule in CEL, with a sentence, replaces each.
- Trivial defaults: none, false and empty mappings. Other defaults (`timeout: 30s`, `priority: Normal`) are filled in by
  the API server, so that `kubectl get -o yaml` shows the values in effect, and a later release cannot change them for
  an existing object.
- Defaults inside lists, which 500 tasks would repeat 500 times.

An optional field may be null, which equals an absent field: the API server replaces a null by the default, and a field
without a default is `nullable`. A rule's `has()` takes a null for absent.
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
_OMITTED = {"$defs", "title", "pattern", "minLength", "uniqueItems"}
_CONVERTED = {"const", "exclusiveMinimum", "default", "properties", "items", "additionalProperties"}


def structural(schema: Mapping[str, Any]) -> Schema:
    """Return the structural schema of a model's JSON schema. Raises ValueError for an unsupported keyword."""
    return _converted(schema, schema.get("$defs", {}), shows_defaults=True)


def _converted(schema: Mapping[str, Any], defs: Mapping[str, Any], *, shows_defaults: bool) -> Schema:
    flat = _flat(schema, defs)
    unknown = flat.keys() - set(_KEPT) - _OMITTED - _CONVERTED
    if unknown:
        raise ValueError(f"no structural schema has the keywords {', '.join(sorted(unknown))}")
    if "exclusiveMinimum" in flat and flat.get("type") != "integer":
        raise ValueError("minimum must be inclusive: only integers may have exclusiveMinimum")
    converted = {keyword: flat[keyword] for keyword in _KEPT if keyword in flat}
    if shows_defaults and _is_informative(flat.get("default")):
        converted["default"] = flat["default"]
    if "description" in converted:
        converted["description"] = " ".join([converted["description"], *_notes(converted)])
    if "properties" in flat:
        properties = {
            name: _converted(inner, defs, shows_defaults=shows_defaults)
            for name, inner in flat["properties"].items()
        }
        for name in properties.keys() - set(flat.get("required", ())):
            if "default" not in properties[name]:
                properties[name]["nullable"] = True
        converted["properties"] = properties
    if "items" in flat:
        converted["items"] = _converted(flat["items"], defs, shows_defaults=False)
    if flat.get("additionalProperties"):
        converted["additionalProperties"] = _converted(
            flat["additionalProperties"], defs, shows_defaults=False
        )
    return converted


def _flat(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Schema:
    """Replace a reference, or `anyOf: [X, null]`, by its target; keywords written next to it take precedence.

    Also replaces keywords of pydantic that Kubernetes does not accept by equivalent ones.
    """
    flat = dict(schema)
    if "$ref" in flat:
        flat = _flat(defs[flat.pop("$ref").removeprefix("#/$defs/")], defs) | flat
    given = list(_without_null(flat.get("anyOf", ())))
    if len(given) == 1:
        del flat["anyOf"]
        flat = _flat(given[0], defs) | flat
    if flat.get(_INT_OR_STRING):
        flat.pop("anyOf", None)  # implied by int-or-string; written out, it adds three lines to every refusal
    if "const" in flat:
        flat["enum"] = [flat["const"]]
    if "exclusiveMinimum" in flat:
        flat["minimum"] = flat["exclusiveMinimum"] + 1
    return flat


def _without_null(choices: Any) -> Iterator[Mapping[str, Any]]:
    yield from (choice for choice in choices if choice != {"type": "null"})


def _notes(converted: Schema) -> Iterator[str]:
    """Yield sentences for the parts of a schema that `kubectl explain` does not show."""
    if "minimum" in converted and "maximum" in converted:
        yield f"From {converted['minimum']} to {converted['maximum']}."
    if isinstance(converted.get("default"), str | int):
        yield f"Defaults to {converted['default']}."


def _is_informative(default: Any) -> bool:
    """Tell whether a default is worth showing: neither none, false, empty nor a mapping of such values."""
    if isinstance(default, dict):
        return any(_is_informative(inner) for inner in default.values())
    return default not in (None, False, [])
