"""A fault of a file, with its place and its remedy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file of manifests.

    document: 1 for the first in the file (in .ndjson, the line).
    line: 1 for the first; 0 without a line, for example when a file cannot be read.
    field: `spec.window`.   message: a sentence with the remedy.
    """

    file: str
    document: int
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Return the fault as terminals show it; editors make `file:line` a link.

        >>> str(Fault("a.yaml", 2, 12, "spec.window", 'must be at most the interval, 5m (was "6m")'))
        'a.yaml:12 (document 2) spec.window: must be at most the interval, 5m (was "6m")'
        """
        if not self.line:
            return f"{self.file}: {self.message}"
        return f"{self.file}:{self.line} (document {self.document}) {self.field}: {self.message}"
