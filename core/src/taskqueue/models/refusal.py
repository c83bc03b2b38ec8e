"""Why a document is not taken: the place inside it, and one sentence that says what to write instead."""

from dataclasses import dataclass

from taskqueue.text.printable import printable_line

FieldPath = tuple[str | int, ...]  # keys and list positions from the document's root

SHOWN_CHARACTERS = 60  # of anything a person wrote; a fault is one readable line, whatever was in the file


class ValueRefusedError(ValueError):
    """A single value is refused; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason to refuse a document.

    unquoted: text was wanted, and quotes might be all that is missing.
    """

    path: FieldPath
    message: str
    unquoted: bool = False

    @property
    def field(self) -> str:
        """The path as people write it, `spec.tasks[3].params`; `manifest` is the document itself.

        >>> Refusal(("spec", "tasks", 3, "params"), "").field
        'spec.tasks[3].params'
        """
        parts = [f"[{step}]" if isinstance(step, int) else f".{shown(step)}" for step in self.path]
        return "".join(parts).removeprefix(".") or "manifest"


class ManifestRefusedError(ValueError):
    """A document is refused, for all the reasons in `refusals`."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__("; ".join(f"{refusal.field}: {refusal.message}" for refusal in refusals))
        self.refusals = refusals


def shown(text: str) -> str:
    r"""Make what a person wrote safe to print: bounded, nothing that moves a cursor or breaks an encoding.

    >>> shown("Größe\nund \u202eGewicht")
    'Größe\\nund \\u202eGewicht'
    """
    bounded = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
    return printable_line(bounded)
