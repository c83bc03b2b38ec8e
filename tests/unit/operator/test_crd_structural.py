"""Translation of pydantic's JSON schema to a structural schema of Kubernetes."""

from typing import Any

import pytest

from taskqueue_operator.crd.rule import Rule, add_rules
from taskqueue_operator.crd.structural import structural


def test_json_schema_is_translated_to_structural() -> None:
    assert structural({"const": "a", "type": "string", "title": "A"}) == {"type": "string", "enum": ["a"]}
    assert structural({"type": "integer", "exclusiveMinimum": 0}) == {"type": "integer", "minimum": 1}
    assert structural(
        {"type": "array", "uniqueItems": True, "items": {"type": "string", "default": "a"}}
    ) == {
        "type": "array",
        "items": {"type": "string"},
    }


@pytest.mark.parametrize(
    "schema", [{"type": "string", "contentEncoding": "base64"}, {"type": "number", "exclusiveMinimum": 0}]
)
def test_an_untranslatable_schema_stops_the_generation(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no structural schema|only integers"):
        structural(schema)


def test_a_rule_for_a_missing_field_stops_the_generation() -> None:
    with pytest.raises(KeyError):
        add_rules({"properties": {}}, {"spec": [Rule("true", "write")]})
