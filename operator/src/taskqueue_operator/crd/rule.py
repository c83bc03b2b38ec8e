"""A rule in CEL (x-kubernetes-validations), and how rules get to their fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LIST_ITEMS = "[]"


@dataclass(frozen=True, slots=True)
class Rule:
    """What must be true of a field, and the sentence of whoever it refuses.

    cel: `self` is the field; a rule must not fail on what another rule refuses.
    message: names the field and says what to write.   saying: CEL that builds a better message, for a rule that
    knows the figure.   at: the field inside `self` that is to blame, `.window`.
    """

    cel: str
    message: str
    saying: str = ""
    at: str = ""

    def written(self) -> dict[str, str]:
        """As the definition has it."""
        written = {"rule": self.cel, "message": self.message}
        if self.saying:
            written["messageExpression"] = self.saying
        if self.at:
            written["fieldPath"] = self.at
        return written


def add_rules(schema: dict[str, Any], rules: Mapping[str, Sequence[Rule]]) -> None:
    """Give each field its rules: `spec.tasks[].type`, and "" for the whole object.

    Raises KeyError for a field that is not there.
    """
    for path, of_field in rules.items():
        field = schema
        for step in path.split(".") if path else ():
            field = field["properties"][step.removesuffix(LIST_ITEMS)]
            field = field["items"] if step.endswith(LIST_ITEMS) else field
        field["x-kubernetes-validations"] = [rule.written() for rule in of_field]
