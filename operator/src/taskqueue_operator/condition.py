"""A condition of an object, and messages of bounded length. Pure.

Conditions follow the API conventions of Kubernetes: a reason in PascalCase, and a message where a sentence helps.
"""

from collections.abc import Sequence
from typing import NamedTuple

from taskqueue_operator.objects import Object

#: Of a list in a message.
MAX_NAMES = 10
#: Of a message. The API server accepts 32 KiB, which is more than a person reads.
MAX_CHARACTERS = 1024


class Condition(NamedTuple):
    """A condition of an object. status: True, False or Unknown."""

    type: str
    status: str
    reason: str
    message: str = ""


def refusal_of(obj: Object) -> Condition | None:
    """Return the condition Accepted of an object whose spec is refused; None if it is accepted."""
    if not obj.fault:
        return None
    message = bounded(obj.fault) if obj.value is None else kept(obj.fault)
    return Condition("Accepted", "False", "Invalid" if obj.refusal else "Conflict", message)


def kept(fault: str) -> str:
    """Add to the fault of an object that its last accepted state stays in force."""
    note = " (the last accepted state stays in force)"
    return bounded(fault, MAX_CHARACTERS - len(note)) + note


def bounded(text: str, most: int = MAX_CHARACTERS) -> str:
    """Cut a text to a number of characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def listed(names: Sequence[str]) -> str:
    """List at most ten names, and the number of the others."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
