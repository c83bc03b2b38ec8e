"""The reasons of a refusal: the place inside the document, and one sentence with the remedy."""

from dataclasses import dataclass

from taskqueue.errors import TaskqueueError
from taskqueue.text.printable import printable_line

FieldPath = tuple[str | int, ...]  # keys and list positions from the document's root

MAX_EXCERPT = 60  # characters of a quoted value; a fault is one readable line for any file

#: A longer integer is not quoted: Python prints none of more than 4,300 digits.
_PRINTED_BITS = 128


class ValueRefusedError(TaskqueueError, ValueError):
    """A single value is refused; the message is the remedy."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason to refuse a document.

    unquoted: the field is text, and quotes may be missing.
    """

    path: FieldPath
    message: str
    unquoted: bool = False

    @property
    def field(self) -> str:
        """Return the path as people write it, `spec.tasks[3].params`; `manifest` is the document itself.

        >>> Refusal(("spec", "tasks", 3, "params"), "").field
        'spec.tasks[3].params'
        """
        parts = [f"[{step}]" if isinstance(step, int) else f".{excerpt(step)}" for step in self.path]
        return "".join(parts).removeprefix(".") or "manifest"


class ManifestRefusedError(TaskqueueError, ValueError):
    """A document is refused, for all the reasons in `refusals`."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__("; ".join(f"{refusal.field}: {refusal.message}" for refusal in refusals))
        self.refusals = refusals


def must_be(rule: str, was: object = None) -> str:
    """Return the refusal of a value.

    was: the value, unless it may be secret; of a list or a mapping only the form is named.

    >>> must_be("at most the interval, 5m", "6m"), must_be("true or false", [1])
    ('must be at most the interval, 5m (was "6m")', 'must be true or false (was a list)')
    """
    return f"must be {rule}" if was is None else f"must be {rule} (was {_quoted(was)})"


def excerpt(text: str) -> str:
    r"""Return text of a person safe to print: bounded, without control characters and broken encodings.

    >>> excerpt("Größe\nund \u202eGewicht")
    'Größe\\nund \\u202eGewicht'
    """
    bounded = text if len(text) <= MAX_EXCERPT else text[:MAX_EXCERPT] + "..."
    return printable_line(bounded)


def _quoted(value: object) -> str:
    """Write a scalar as YAML does; name the form of another value, which may hold secrets."""
    match value:
        case str():
            return f'"{excerpt(value)}"'
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() > _PRINTED_BITS:
            return "a number of many digits"
        case int() | float():
            return printable_line(value, MAX_EXCERPT)
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "neither text nor a number"
