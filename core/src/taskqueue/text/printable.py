"""Printable text of any value that user code or an API produced, for log lines, messages and scripts.

A text is cut before any work is done on it. Characters that are invisible, or that move visible ones, become escapes:
control characters (ESC, NUL, C1), bidi controls, zero-width and tag characters, line separators, lone surrogates, and
marks beyond a few on one character. The text of an object is made in a separate thread, which is left behind if it
does not answer in time: `__str__` is user code, which may raise, block or never end.
"""

import re
import reprlib
import sys
import threading
import unicodedata
from collections.abc import Iterator
from contextvars import copy_context
from types import FrameType
from typing import Any, ClassVar

#: Default for the characters that are kept of one text.
MAX_CHARACTERS = 500
#: Seconds in which an object must make its own text.
_TEXT_LIMIT_S = 0.1
#: Threads that wait for a text which never comes; beyond this number no further thread is started.
_MAX_LEFT = 8
_MAX_TEXT = 10_000
#: Invisible letters and marks that Unicode does not class as format characters.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
)
#: Marks on one character: scripts need up to three; a hundred cover the lines above.
_MAX_MARKS = 4
#: Types whose text Python itself makes. It refuses an int of many digits.
_PLAIN = (str, bytes, bool, int, float, type(None))
#: The methods that make an exception's text from its args alone.
_PLAIN_EXCEPTIONS = (BaseException.__str__, KeyError.__str__)
#: C code makes their text and cannot be interrupted: a hundred lists of a hundred lists, eight deep, take years.
_CONTAINERS = (list, tuple, dict, set, frozenset)
_MAX_ITEMS, _MAX_DEPTH = 20, 4


def printable(value: object, most: int = MAX_CHARACTERS) -> str:
    r"""Return the text of a value: at most `most` characters, encodable, without control characters.

    >>> printable("\ud800 and \x00")
    '\\ud800 and \\x00'
    >>> printable("a" * 1_000_000, most=3)
    'aaa'
    """
    # Not isinstance, which may call the object's own __class__.
    text: str = value if issubclass(type(value), str) else _text(value, most)  # type: ignore[assignment]
    # The slice of a subclass of str is a plain str, whichever methods the subclass overrides.
    cut = str.__getitem__(text, slice(0, most))
    return (cut if _is_plain(cut) else "".join(_escaped(cut)))[:most]


def printable_line(value: object, most: int = MAX_CHARACTERS) -> str:
    r"""Return the text of a value as one line: as `printable`, with escapes for line ends and tabs too.

    >>> printable_line("one\ntwo")
    'one\\ntwo'
    """
    return printable(value, most).replace("\n", r"\n").replace("\t", r"\t")[:most]


def _is_plain(text: str) -> bool:
    return text.isascii() and text.replace("\n", "").replace("\t", "").isprintable()


def _escaped(text: str) -> Iterator[str]:
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        seen = char.isprintable() and not _INVISIBLE.match(char) and marks <= _MAX_MARKS
        # str.isprintable() is false for spaces of other widths.
        if seen or char in "\t\n" or unicodedata.category(char) == "Zs":
            yield char
        else:
            yield (
                f"\\x{ord(char):02x}" if char.isascii() else char.encode("ascii", "backslashreplace").decode()
            )


def describe_error(error: BaseException, most: int = MAX_CHARACTERS) -> str:
    """Return an exception's type and text.

    >>> describe_error(KeyError("shop"))
    "KeyError: 'shop'"
    """
    return f"{type_name(error)}: {printable(error, most)}"[:most]


def type_name(value: object) -> str:
    """Return the name of a value's type, without calling a metaclass of the user."""
    return printable(type.__dict__["__name__"].__get__(type(value)), 100)


def _text(value: object, most: int) -> str:
    if type(value) in _PLAIN:
        return _own_text(_cut(value, most))
    if issubclass(type(value), BaseException):
        args = _args(value)
        own = type(value).__str__
        if own in _PLAIN_EXCEPTIONS and all(type(item) in _PLAIN for item in args):
            cut = tuple(_cut(item, most) for item in args)
            if len(cut) != 1:
                return _own_text(cut) if cut else ""
            return repr(cut[0]) if own is KeyError.__str__ else _own_text(cut[0])
    return _Asked(value).answer()


def _args(error: object) -> tuple[Any, ...]:
    found: tuple[Any, ...] = BaseException.__dict__["args"].__get__(error)
    return found


def _cut(value: Any, most: int) -> Any:
    """Return a plain value; long text and bytes are cut before they are copied."""
    return value[:most] if type(value) in (str, bytes) else value


def _own_text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - an int of too many digits, for one
        return f"<{type_name(value)} without a text: {type_name(error)}>"


class _Bounded(reprlib.Repr):
    """Writes the first items of nested containers."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = _MAX_DEPTH
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = _MAX_ITEMS
        self.maxstring = self.maxother = self.maxlong = MAX_CHARACTERS


def _object_text(value: Any) -> str:
    """Return the text that `str` returns, with containers cut, including those in an exception."""
    own: object = type(value).__str__
    if type(value) in _CONTAINERS:
        return _Bounded().repr(value)
    if issubclass(type(value), BaseException) and own in _PLAIN_EXCEPTIONS:
        args = _args(value)
        if len(args) != 1:
            return _Bounded().repr(args)
        return _Bounded().repr(args[0]) if own is KeyError.__str__ else _object_text(args[0])
    return str(value)


class _Asked(threading.Thread):
    """A thread that makes the text of one object; after the limit, a trace function ends it at its next line."""

    _left_behind: ClassVar[list[threading.Thread]] = []

    def __init__(self, value: object) -> None:
        super().__init__(daemon=True, name="taskqueue-text")
        self._value = value
        self._context = copy_context()
        self._left = False
        self._answer = f"<{type_name(value)} without a text>"

    def answer(self) -> str:
        alive = [thread for thread in self._left_behind if thread.is_alive()]
        self._left_behind[:] = alive
        if len(alive) >= _MAX_LEFT:
            return self._answer
        try:
            self.start()
        except RuntimeError:  # no more threads
            return self._answer
        self.join(_TEXT_LIMIT_S)
        self._left = True
        if self.is_alive():
            self._left_behind.append(self)
        return self._answer

    def run(self) -> None:
        sys.settrace(self._trace)
        try:
            text = self._context.run(_object_text, self._value)
            self._answer = str.__getitem__(text, slice(0, _MAX_TEXT))
        except BaseException as error:  # noqa: BLE001 - user code may raise any exception
            self._answer = f"<{type_name(self._value)} without a text: {type_name(error)}>"

    def _trace(self, _frame: FrameType, _event: str, _arg: object) -> Any:
        if self._left:
            raise SystemExit
        return self._trace
