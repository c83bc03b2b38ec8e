"""Depth is measured on bytes: of JSON, of other text, and without recursion."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.models.nesting import DOCUMENT_DEPTH, SAFE_DEPTH, cut, is_deeper

HOSTILE_TEXT = st.text(st.sampled_from('[]{}"\\a é'), max_size=6)
JSON = st.recursive(
    st.none() | st.integers() | HOSTILE_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(HOSTILE_TEXT, inner, max_size=3),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def shallow(value: Any, levels: int) -> Any:
    if isinstance(value, dict):
        return {name: shallow(item, levels - 1) for name, item in value.items()} if levels else None
    if isinstance(value, list):
        return [shallow(item, levels - 1) for item in value] if levels else None
    return value


@given(JSON, st.integers(1, 6), st.booleans())
def test_depth_and_cut_agree_with_the_decoded_value(value: Any, levels: int, ascii_only: bool) -> None:
    written = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert is_deeper(written, levels) is (depth(value) > levels)
    assert json.loads(cut(written, levels)) == shallow(value, levels)


@given(st.binary(max_size=20) | HOSTILE_TEXT.map(str.encode), st.integers(1, 6))
def test_invalid_json_raises_nothing(data: bytes, levels: int) -> None:
    is_deeper(data, levels)
    assert not is_deeper(cut(data, levels), levels)


@pytest.mark.parametrize(
    ("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"[": ', b"}]"), (b" [\n", b" ]")]
)
def test_100_000_levels_take_no_stack(opening: bytes, closing: bytes) -> None:
    deep = opening * 100_000 + b"1" + closing * 100_000
    assert is_deeper(deep)
    assert not is_deeper(cut(deep), SAFE_DEPTH)
    json.loads(cut(deep))
    assert is_deeper(opening * 100_000), "also without an end"
    assert not is_deeper(cut(opening * 100_000), SAFE_DEPTH)


def test_open_brackets_count_as_depth() -> None:
    assert not is_deeper(b"[" * DOCUMENT_DEPTH)
    assert is_deeper(b"[" * (DOCUMENT_DEPTH + 1))
    assert not is_deeper(b"]" * 1_000)
    assert not is_deeper(b'"' + b"[" * 1_000), "a text without an end"


@pytest.mark.parametrize("shape", [b"[" * 500_000 + b"]" * 500_000, (b"[" * 79 + b"]" * 79) * 6_000])
def test_the_depth_of_1_mb_of_brackets_is_counted_once(shape: bytes) -> None:
    def seconds() -> float:
        began_s = time.process_time()
        is_deeper(shape, SAFE_DEPTH)
        return time.process_time() - began_s

    assert min(seconds() for _ in range(3)) < 0.2
