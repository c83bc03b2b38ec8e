r"""Measure how deep JSON is nested on its bytes, before anything decodes them.

Decoders recurse: 1,200 lists inside each other, 2.4 KB, end a process that decodes them with RecursionError, also
where a value is skipped or kept raw. Nothing here recurses or decodes, and bytes that are not JSON raise nothing.
"""

import re
from collections.abc import Iterator
from itertools import accumulate

#: Levels of mappings and lists in params, and in the body of an HTTP call.
MAX_DEPTH = 32
TOO_DEEP = f"mappings and lists must be nested at most {MAX_DEPTH} levels deep"
#: Levels of a manifest or of a line of an import: the levels of params, and the four around them with some to spare.
DOCUMENT_DEPTH = MAX_DEPTH + 8
#: Levels that every decoder manages: a document in a list of the API server, and managedFields, which mirror it.
SAFE_DEPTH = 2 * DOCUMENT_DEPTH

#: Levels that are taken away one by one: few documents have more, and the rest is counted.
_USUAL_DEPTH = 8
#: Brackets counted at once; other threads run in between.
_AT_ONCE = 2**16

#: Braces count as brackets, and all but brackets and quotes is dropped.
_TO_BRACKETS = bytes.maketrans(b"{}", b"[]")
_DROPPED = bytes(set(range(256)) - set(b'[]{}"'))
_STRING = re.compile(rb'"[^"]*"?')
#: The change of depth at a bracket, in signed bytes.
_STEPS = bytes.maketrans(b"[]", b"\x01\xff")
#: Text in front of brackets, and runs of opening or of closing brackets.
_RUN = re.compile(rb'(?:[^][{}"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?)*+([\[{]++|[\]}]++|\Z)', re.DOTALL)


def is_deeper(data: bytes, levels: int = DOCUMENT_DEPTH) -> bool:
    r"""Tell whether JSON has more levels of objects and arrays inside each other; text counts as text.

    >>> is_deeper(b'[[{"a": "[[[\\"[["}]]', 3), is_deeper(b'[[{"a": 1}]]', 2)
    (False, True)
    """
    if data.count(b"[") + data.count(b"{") <= levels:
        return False
    brackets = rest = _brackets(data)
    for _ in range(min(levels, _USUAL_DEPTH)):
        rest = rest.replace(b"[]", b"")  # the innermost level
    # Brackets without an end, or without a beginning, are left over, too.
    return bool(rest) and any(depth > levels for depth in _depths(brackets))


def cut(data: bytes, levels: int = SAFE_DEPTH) -> bytes:
    """Replace every object and array that is nested deeper by null, so that a decoder need not go deeper.

    >>> cut(b'{"a": [1, {"b": []}, [2]], "c": 3}', 2)
    b'{"a": [1, null, null], "c": 3}'
    """
    if not is_deeper(data, levels):
        return data
    return b"".join(_shallow(data, levels))


def _brackets(data: bytes) -> bytes:
    if b"\\" in data:
        data = data.replace(rb"\\", b"").replace(rb"\"", b"")
    # Also where an end meets a beginning: two texts that nothing is between are as good as one.
    kept = data.translate(_TO_BRACKETS, _DROPPED).replace(b'""', b"")
    return _STRING.sub(b"", kept)


def _depths(brackets: bytes) -> Iterator[int]:
    """Return the greatest depth of each part."""
    depth = 0
    for begin in range(0, len(brackets), _AT_ONCE):
        steps = memoryview(brackets[begin : begin + _AT_ONCE].translate(_STEPS)).cast("b")
        yield depth + max(accumulate(steps))
        depth += sum(steps)


def _shallow(data: bytes, levels: int) -> Iterator[bytes]:
    depth = begin = 0
    for run in _RUN.finditer(data):
        start, end = run.span(1)
        before = depth
        if data[start:end].startswith((b"[", b"{")):
            depth += end - start
            if before <= levels < depth:
                yield data[begin : start + levels - before]
                yield b"null"
        else:
            depth -= end - start
            if depth <= levels < before:
                begin = start + before - levels
    if depth <= levels:
        yield data[begin:]
