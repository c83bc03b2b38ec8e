"""A declaration of a file, its key and its place."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from taskqueue.models.fault import Fault
from taskqueue.models.refusal import FieldPath, Refusal
from taskqueue.models.values import Declared, Limit, TaskType
from taskqueue.sources.document import Places


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a declaration: the name of a task type or a limit, or the id of a user. Each is declared once."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Declaration:
    """A value and its place.

    document, line: from 1, the line its document starts at; 0 for a value of the store.
    field: of its name or id, such as `spec.userId`, or `items[3].spec.userId` in a List.
    prefix: the path to it in its document, such as `items[3]`.
    places: finds the lines of its parts, for a limit and a type with limits: other manifests may contradict them.
    """

    value: Declared
    file: str
    document: int
    line: int
    field: str
    prefix: FieldPath = ()
    places: Callable[[], Places] | None = dataclasses.field(default=None, repr=False, compare=False)

    def place(self) -> str:
        if not self.line:
            return f"in {self.file}"
        return f"at {self.file}:{self.line} (document {self.document}) {self.field}"

    def fault(self, path: FieldPath, message: str) -> Fault:
        """Return a fault of one of its fields."""
        path = (*self.prefix, *path)
        place, _ = self.places().nearest(path) if self.places else (None, 0)
        line = place.line if place else self.line
        return Fault(self.file, self.document, line, Refusal(path, "").field, message)


def stored_declarations(limits: Iterable[Limit], types: Iterable[TaskType]) -> Mapping[Key, Declaration]:
    """Return declarations of values that the store has."""
    keys: list[tuple[Key, Declared]] = [(Key("RateLimit", limit.name), limit) for limit in limits]
    keys += [(Key("TaskType", task_type.name), task_type) for task_type in types]
    return {key: Declaration(value, "the store", 0, 0, "") for key, value in keys}


def duplicate(key: Key, earlier: Declaration) -> str:
    """Return the fault of a second declaration, with the place of the first."""
    return f"rename or remove one: {key} is declared {earlier.place()} already"
