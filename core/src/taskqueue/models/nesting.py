r"""Measure how deep JSON is nested on its bytes, before anything decodes them.

Decoders recurse: 1,200 lists inside each other, 2.4 KB, end a process that decodes them with RecursionError, also
where a value is skipped or kept raw. Nothing here recurses or decodes, and bytes that are not JSON raise nothing.
"""

import re
from collections.abc import Iterator

#: Levels of mappings and lists in params, and in the body of an HTTP call.
MAX_DEPTH = 32
TOO_DEEP = f"nested deeper than {MAX_DEPTH}: write at most {MAX_DEPTH} levels of mappings and lists"
#: Levels of a manifest or of a line of an import: those of params, and the four around them with some to spare.
DOCUMENT_DEPTH = MAX_DEPTH + 8
#: Levels that every decoder manages: a document in a list of the API server, and managedFields, which mirror it.
SAFE_DEPTH = 2 * DOCUMENT_DEPTH

#: Braces count as brackets, and all but brackets and quotes is dropped.
_TO_BRACKETS = bytes.maketrans(b"{}", b"[]")
_DROPPED = bytes(set(range(256)) - set(b'[]{}"'))
_STRING = re.compile(rb'"[^"]*"?')
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[][{}]', re.DOTALL)


def is_deeper(data: bytes, levels: int = DOCUMENT_DEPTH) -> bool:
    r"""Tell whether JSON has more levels of objects and arrays inside each other; text counts as text.

    >>> is_deeper(b'[[{"a": "[[[\\"[["}]]', 3), is_deeper(b'[[{"a": 1}]]', 2)
    (False, True)
    """
    brackets = _brackets(data)
    rest = brackets
    for _ in range(levels):
        if not rest:
            return False
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
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[" else -1
        yield depth


def _shallow(data: bytes, levels: int) -> Iterator[bytes]:
    depth = begin = 0
    for token in _TOKEN.finditer(data):
        match token[0]:
            case b"[" | b"{":
                if depth == levels:
                    yield data[begin : token.start()]
                    yield b"null"
                depth += 1
            case b"]" | b"}":
                depth -= 1
                if depth == levels:
                    begin = token.end()
    if depth <= levels:
        yield data[begin:]
