"""Values on the wire: packed as arguments of scripts, and made of the answers of scripts and commands."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

Argument = str | bytes | int | float

_Value = TypeVar("_Value")

#: Pack a value as MessagePack, which scripts read with cmsgpack.
pack = msgspec.msgpack.Encoder().encode


def packed(shape: type[_Value]) -> Callable[[bytes], _Value]:
    """Return the reader of a MessagePack answer of this shape; it raises ValueError for any other answer."""
    return msgspec.msgpack.Decoder(shape).decode


def shaped(shape: type[_Value]) -> Callable[[Any], _Value]:
    """Return the reader of an array or number of the protocol; it raises ValueError for another shape."""
    return partial(msgspec.convert, type=shape)


def pairs(flat: Sequence[_Value]) -> list[tuple[_Value, _Value]]:
    """Return names with their values, or members with their scores: servers answer with one flat list."""
    return list(zip(flat[::2], flat[1::2], strict=True))
