"""A rule in CEL (x-kubernetes-validations), and the addition of rules to the fields of a schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LIST_ITEMS = "[]"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that a field must meet, and the message of its refusal.

    cel: an expression in which `self` is the field; it must not fail for values that another rule refuses. message:
    names the field and the text to write. saying: an expression for a better message, which can contain the value.
    at: the field inside `self` at fault, such as `.window`.
    """

    cel: str
    message: str
    saying: str = ""
    at: str = ""

    def written(self) -> dict[str, str]:
        """Return the rule as in the definition."""
        written = {"rule": self.cel, "message": self.message}
        if self.saying:
            written["messageExpression"] = self.saying
        if self.at:
            written["fieldPath"] = self.at
        return written


def add_rules(schema: dict[str, Any], rules: Mapping[str, Sequence[Rule]]) -> None:
    """Add rules to fields, by path: `spec.tasks[].type`, or "" for the whole object.

    Raises KeyError for an unknown field.
    """
    for path, of_field in rules.items():
        field = schema
        for step in path.split(".") if path else ():
            field = field["properties"][step.removesuffix(LIST_ITEMS)]
            field = field["items"] if step.endswith(LIST_ITEMS) else field
        field["x-kubernetes-validations"] = [rule.written() for rule in of_field]
