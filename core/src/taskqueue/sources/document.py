"""One document of a file, with the places of its parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from taskqueue.models.fault import Fault
from taskqueue.models.refusal import FieldPath, Refusal, excerpt


@dataclass(frozen=True, slots=True)
class Place:
    """A line, from 1. `raw`: the text of a plain scalar that YAML read as another type."""

    line: int
    raw: str | None = None


#: A line, a place where a scalar has a raw form, or what has parts: its own line under None, and its parts.
Tree = int | Place | Mapping[str | int | None, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """The places of the parts of a document. flaws: places of parts at fault, which may be keys."""

    tree: Tree
    flaws: Mapping[FieldPath, int] = field(default_factory=dict)
    lines_before: int = 0

    def __getitem__(self, path: FieldPath) -> Place:
        """Return the place of a part. Raises KeyError without that part."""
        place = self.get(path)
        if place is None:
            raise KeyError(path)
        return place

    def nearest(self, path: FieldPath) -> tuple[Place | None, int]:
        """Return the place of a part, or of the innermost mapping around it, and the length of the path to it."""
        for end in range(len(path), 0, -1):
            place = self.get(path[:end])
            if place is not None:
                return place, end
        return None, 0

    def get(self, path: FieldPath) -> Place | None:
        """Return the place of a part, or None without that part."""
        if path in self.flaws:
            return Place(self.flaws[path] + self.lines_before)
        tree: Any = self.tree
        for step in path:
            tree = tree.get(step) if isinstance(tree, dict) else None
        if isinstance(tree, dict):
            tree = tree[None]
        if isinstance(tree, int):
            tree = Place(tree)
        return Place(tree.line + self.lines_before, tree.raw) if tree else None


@dataclass(frozen=True, slots=True)
class Document:
    """A document before the models read it.

    number, line: from 1.   flaws: refusals of the format, such as a key written twice.
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
            message = refusal.message
            place, end = places.nearest(refusal.path)
            if place and refusal.unquoted and place.raw and end == len(refusal.path):
                text = excerpt(place.raw)
                message = f'must be text (was {text} without quotes); write "{text}"'
            line = place.line if place else self.line
            faults.append(Fault(file, self.number, line, refusal.field, message))
        return sorted(faults, key=lambda fault: fault.line)
