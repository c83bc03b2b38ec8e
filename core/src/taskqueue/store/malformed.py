"""Values of the store that cannot be read: skipped record by record, and named.

Scripts name what they skip in the store itself (`malformed`, scripts/lib/base.lua); readers in Python name it here,
once a process and place. A place is the key's name, then the field or member: "types fetch-orders".
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from taskqueue.text.printable import printable_line

_Value = TypeVar("_Value")

#: Places remembered by a process. More are only counted.
MAX_PLACES = 1_000
_MAX_CHARACTERS = 200
#: What a decoder raises at bytes that are none of ours. RecursionError: nested too deep.
UNREADABLE = (ValueError, TypeError, LookupError, OverflowError, RecursionError)

#: Stands for params that are no text: no JSON, so that a job which has them is not run with others.
UNREADABLE_PARAMS = "(params that cannot be read)"

#: Told of each new place, and what became of the value.
Tell = Callable[[str, str], None]


def _say_nothing(_place: str, _fate: str) -> None:
    pass


class Malformed:
    """The places whose values this process skipped. tell: called once for each."""

    def __init__(self, tell: Tell = _say_nothing) -> None:
        self.tell = tell
        self._places: dict[str, str] = {}

    @property
    def places(self) -> Mapping[str, str]:
        """Each place, and what became of its value."""
        return MappingProxyType(self._places)

    def add(self, place: str, fate: str = "cannot be read") -> None:
        """Name a place whose value was skipped."""
        if place in self._places:
            return
        if len(self._places) < MAX_PLACES:
            self._places[place] = fate
        self.tell(place, fate)

    def forget(self, place: str) -> None:
        """Name a place again if it becomes unreadable again: it was repaired."""
        self._places.pop(place, None)

    def read(self, place: str, decode: Callable[[], _Value]) -> _Value | None:
        """Return what `decode` makes of a value, or None: it cannot be read, and its place is named."""
        try:
            value = decode()
        except UNREADABLE as error:
            self.add(place, f"cannot be read ({type(error).__name__})")
            return None
        self.forget(place)
        return value


def text(value: bytes) -> str:
    r"""Return bytes of the store as text that can be printed, whatever they are.

    >>> text(b"\x1b[2J\xff\n")
    '\\x1b[2J\\xff\\n'
    """
    shown = printable_line(value.decode(errors="backslashreplace"), _MAX_CHARACTERS + 1)
    return shown if len(shown) <= _MAX_CHARACTERS else shown[:_MAX_CHARACTERS] + "..."


def place_of(name: str, field: bytes) -> str:
    """Return the place of a field or member of the key that is called `name`."""
    return f"{name} {text(field)}"
