"""One document of a file, and where in the file its parts are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from taskqueue.models.fault import Fault
from taskqueue.models.refusal import FieldPath, Refusal, shown


@dataclass(frozen=True, slots=True)
class Place:
    """A line, from 1. `raw`: how a plain scalar was written that YAML read as something else than text."""

    line: int
    raw: str | None = None


Places = Mapping[FieldPath, Place]


@dataclass(frozen=True, slots=True)
class Document:
    """A document before anybody knows what it means.

    number, line: from 1.   flaws: what the format alone refuses, such as a key that is written twice.
    places: finds its parts; a function, because only a faulty document needs them.
    """

    number: int
    line: int
    value: Any
    flaws: tuple[Refusal, ...]
    places: Callable[[], Places]

    def faults(self, file: str, refusals: tuple[Refusal, ...]) -> list[Fault]:
        """Give each refusal its line: its own, or that of the nearest mapping around it."""
        places = self.places()
        faults = []
        for refusal in refusals:
            line, message = self.line, refusal.message
            for end in range(len(refusal.path), 0, -1):
                place = places.get(refusal.path[:end])
                if place is not None:
                    line = place.line
                    if refusal.unquoted and place.raw and end == len(refusal.path):
                        message = f'quote it: write "{shown(place.raw)}", which is not text without quotes'
                    break
            faults.append(Fault(file, self.number, line, refusal.field, message))
        return sorted(faults, key=lambda fault: fault.line)
