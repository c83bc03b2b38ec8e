"""Text of hostile objects: always encodable, bounded in length and in time."""

import io
import threading
import time
import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.text import printable as module
from taskqueue.text.printable import describe_error, printable, printable_line
from taskqueue.text.terminal import Filtered, unfiltered


class Raises:
    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class EndlessError(Exception):
    def __str__(self) -> str:  # noqa: PLE0307 - as hostile as can be
        while True:
            pass


class Blocks:
    go = threading.Event()

    def __repr__(self) -> str:
        self.go.wait(20)
        return ""


class NoTextError(Exception):
    def __str__(self) -> Any:
        return 7  # noqa: PLE0307 - as hostile as can be


class Text(str):
    __slots__ = ()

    def __getitem__(self, _: Any) -> str:
        raise RuntimeError

    def encode(self, *_: Any) -> bytes:
        raise RuntimeError


def _refuse(_: object) -> Any:
    raise RuntimeError


Pretends = type("Pretends", (), {"__class__": property(_refuse)})


@pytest.fixture(autouse=True)
def _nothing_blocks_afterwards() -> Iterator[None]:
    Blocks.go.clear()
    yield
    Blocks.go.set()
    for thread in module._Asked._left_behind:
        thread.join(5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("\ud800", "\\ud800"),
        ("a\x00b\x1b[31m\x7f", "a\\x00b\\x1b[31m\\x7f"),
        ("two\nlines", "two\nlines"),
        (404, "404"),
        (None, "None"),
        (b"\xff", "b'\\xff'"),
        (10**5_000, "<int without a text: ValueError>"),
        (Text("kept\ud800"), "kept\\ud800"),
        (Raises(), "<Raises without a text: KeyboardInterrupt>"),
        (ValueError(Raises()), "<ValueError without a text: KeyboardInterrupt>"),
        (EndlessError(), "<EndlessError without a text>"),
        (Blocks(), "<Blocks without a text>"),
        (NoTextError(), "<NoTextError without a text: TypeError>"),
        (KeyError("shop"), "'shop'"),
        (ValueError(1, "\ud800"), "(1, '\\ud800')"),
        (OSError(2, "gone", "a file"), "[Errno 2] gone: 'a file'"),
    ],
    ids=lambda value: "",
)
def test_text_of_any_object(value: object, text: str) -> None:
    assert printable(value) == text


def test_an_object_with_a_hostile_class() -> None:
    assert printable(Pretends()).startswith("<")


@given(st.text(st.characters(), max_size=40), st.integers(0, 50))
def test_any_text_is_encodable_and_bounded(text: str, most: int) -> None:
    safe = printable(text, most)
    assert len(safe) <= most
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(safe)) == safe
    assert "\x00" not in safe


def test_a_huge_text_is_cut_first() -> None:
    huge = "x" * 50_000_000
    for value in (huge, ValueError(huge), KeyError(huge), ValueError(1, huge), huge.encode()):
        took_s = []
        for _ in range(3):  # the best of three, and of this thread alone: other processes share the machine
            began_s = time.thread_time()
            assert len(printable(value)) == module.MAX_CHARACTERS
            took_s.append(time.thread_time() - began_s)
        assert min(took_s) < 0.005


def test_a_class_with_a_hostile_name() -> None:
    meta: Any = type("Meta", (type,), {"__name__": property(_refuse)})
    odd_error: Any = meta("OddError", (Exception,), {})
    assert describe_error(odd_error("text")) == "OddError: text"


def test_blocking_objects_leave_a_bounded_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TEXT_LIMIT_S", 0.001)
    began_s = time.thread_time()
    for _ in range(1_000):
        printable(Blocks())
    assert len(module._Asked._left_behind) <= module._MAX_LEFT
    assert time.thread_time() - began_s < 2


def test_containers_without_end_are_cut() -> None:
    wide: Any = [1] * 100
    deep: Any = {"a": 1}
    for _ in range(8):
        wide, deep = [wide] * 100, {"a": deep, "b": [deep] * 100}
    for value in (wide, deep, ValueError(wide), KeyError(deep), ValueError(deep, wide), {1: wide}):
        assert len(printable(value)) <= 500
    assert printable([1, {"a": "b"}]) == "[1, {'a': 'b'}]"
    assert printable(ValueError(["x"] * 1_000)).endswith(", ...]")
    assert describe_error(ValueError({"a": 1}, 2)) == "ValueError: ({'a': 1}, 2)"


@given(st.text(), st.integers(1, 200))
def test_a_line_has_no_character_that_moves_others(text: str, most: int) -> None:
    line = printable_line(text, most)
    assert len(line) <= most
    assert all(char.isprintable() or unicodedata.category(char) == "Zs" for char in line)
    assert printable_line(line, most) == line
    assert set(printable(text, most)) - set(line) <= {"\n", "\t"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("na\u00efve \u4e2d\u6587 \u0639\u0631\u0628\u064a \U0001f600 \u2764\ufe0f \xa0", None),
        ("tab\tline\n", None),
        ("\x1b[31m\x9b\x85", r"\x1b[31m\x9b\x85"),
        ("\u200b\u200d\u202e\u2028\u2066\ufeff", r"\u200b\u200d\u202e\u2028\u2066\ufeff"),
        ("\U000e0041\U000e0101\u3164", r"\U000e0041\U000e0101\u3164"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + r"\u0301\u0301"),
        ("\ud800", r"\ud800"),
    ],
)
def test_invisible_characters_become_escapes(text: str, shown: str | None) -> None:
    assert printable(text) == (text if shown is None else shown)


def test_a_filtered_stream_takes_text_and_no_bytes() -> None:
    below = io.StringIO()
    stream: Any = Filtered(below)
    assert stream.write("\x1b[2Ja\n") == 6
    stream.writelines(["b", "\u202e"])
    assert below.getvalue() == "\\x1b[2Ja\nb\\u202e"
    assert unfiltered(stream) is unfiltered(below) is below
    assert not hasattr(stream, "buffer")
    with pytest.raises(TypeError):
        stream.write(b"")
