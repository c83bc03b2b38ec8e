"""Faults of lines, of a body that is taken line by line."""

from bisect import insort

from pydantic import BaseModel, Field

from taskqueue.models.refusal import Refusal

#: Faults that an answer lists.
MAX_LISTED = 100
#: The field of a fault of a whole document.
_WHOLE = Refusal((), "").field


class LineFault(BaseModel):
    """One thing that is wrong with a line, which is left out."""

    line: int = Field(description="Number of the line, from 1.")
    field: str = Field(description="The field at fault; `line` for the line as a whole.")
    message: str


class LineFaults:
    """The faults of one body.   lines: the number of lines at fault.   listed: the first faults, by line."""

    def __init__(self) -> None:
        self.lines = 0
        self.listed: list[LineFault] = []
        self._last = 0

    def add(self, line: int, field: str, message: str) -> None:
        """Add a fault; the faults of one line follow each other."""
        self.lines += line != self._last
        self._last = line
        if len(self.listed) == MAX_LISTED and line >= self.listed[-1].line:
            return
        named = "line" if field == _WHOLE else field
        insort(self.listed, LineFault(line=line, field=named, message=message), key=lambda one: one.line)
        del self.listed[MAX_LISTED:]
