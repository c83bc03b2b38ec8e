"""A fault of a file: what a person needs in order to find it and to mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file of manifests.

    document: 1 for the first in the file (in .ndjson, the line).
    line: 1 for the first; 0 where no line is meant, as when a file cannot be read.
    field: `spec.window`.   message: a sentence that says what to write instead.
    """

    file: str
    document: int
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """Read well in a terminal, where editors make `file:line` a link.

        >>> str(Fault("a.yaml", 2, 12, "spec.window", "write at most the interval"))
        'a.yaml:12 (document 2) spec.window: write at most the interval'
        """
        if not self.line:
            return f"{self.file}: {self.message}"
        return f"{self.file}:{self.line} (document {self.document}) {self.field}: {self.message}"
