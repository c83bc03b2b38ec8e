"""Malformed values, which cannot be read: skipped record by record, and noted by location.

Scripts note the values that they skip in the store itself (`malformed`, scripts/lib/malformed.lua); readers in Python
note them here, once a process and location. A location is the key's name, then the field or member: "types
fetch-orders".
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from taskqueue.text.printable import printable_line

_Value = TypeVar("_Value")

#: Locations remembered by a process. Further ones are only counted.
MAX_LOCATIONS = 1_000
_MAX_CHARACTERS = 200
#: Errors of a decoder that reads foreign bytes. RecursionError: nested too deep.
UNREADABLE = (ValueError, TypeError, LookupError, OverflowError, RecursionError)

#: Stands for params that are no text: it is no JSON, so that their job is not run with other params.
UNREADABLE_PARAMS = "(params that cannot be read)"

#: Called with each new location, and the fate of its value.
Tell = Callable[[str, str], None]


def _say_nothing(_place: str, _fate: str) -> None:
    pass


class Malformed:
    """The locations of the values that this process skipped. tell: called once for each."""

    def __init__(self, tell: Tell = _say_nothing) -> None:
        self.tell = tell
        self._locations: dict[str, str] = {}

    @property
    def locations(self) -> Mapping[str, str]:
        """Return each location with the fate of its value."""
        return MappingProxyType(self._locations)

    def add(self, location: str, fate: str = "cannot be read") -> None:
        """Note a location whose value was skipped."""
        if location in self._locations:
            return
        if len(self._locations) < MAX_LOCATIONS:
            self._locations[location] = fate
        self.tell(location, fate)

    def forget(self, location: str) -> None:
        """Forget a repaired location, so that a new unreadable value there is noted."""
        self._locations.pop(location, None)

    def read(self, location: str, decode: Callable[[], _Value]) -> _Value | None:
        """Return the decoded value, or None and note its location if it cannot be read."""
        try:
            value = decode()
        except UNREADABLE as error:
            self.add(location, f"cannot be read ({type(error).__name__})")
            return None
        self.forget(location)
        return value


def text(value: bytes) -> str:
    r"""Return any bytes of the store as printable text.

    >>> text(b"\x1b[2J\xff\n")
    '\\x1b[2J\\xff\\n'
    """
    printable = printable_line(value.decode(errors="backslashreplace"), _MAX_CHARACTERS + 1)
    return printable if len(printable) <= _MAX_CHARACTERS else printable[:_MAX_CHARACTERS] + "..."


def location_of(name: str, field: bytes) -> str:
    """Return the location of a field or member of the key that is called `name`."""
    return f"{name} {text(field)}"
