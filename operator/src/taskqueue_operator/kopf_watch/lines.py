"""The lines of a watch, each an event that kopf can decode: of an object only its identity, the rest as one text.

So nothing that strangers wrote is decoded by kopf, which keeps what it decoded for as long as events wait.
"""

import time
from collections.abc import AsyncIterator, Callable

import msgspec
from aiohttp import ClientPayloadError, StreamReader

from taskqueue.models.nesting import cut
from taskqueue_operator.connection import UNDECODABLE

#: An event holds one object of 1.5 MiB at most.
_MAX_LINE_BYTES = 2**24
#: Makes kopf list anew and watch from there.
EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n'


class _Metadata(msgspec.Struct, omit_defaults=True):
    resourceVersion: str  # noqa: N815  (as the API server spells it)
    name: str = ""
    uid: str = ""
    generation: int = 0
    creationTimestamp: str = ""  # noqa: N815


class _Object(msgspec.Struct, omit_defaults=True):
    metadata: _Metadata
    spec: msgspec.Raw = msgspec.Raw(b"{}")
    status: msgspec.Raw = msgspec.Raw(b"{}")


class _Event(msgspec.Struct):
    type: str
    object: _Object


_EVENTS = msgspec.json.Decoder(_Event)


class Lines:
    """Stands in for the content of an answer.

    on_life: called for every event that can be decoded, and at an end that does not come before `due_s`: what answers
    in place of an API server may say anything, or nothing, and end at once.
    """

    def __init__(self, content: StreamReader, on_life: Callable[[], None], due_s: float) -> None:
        self._content = content
        self._on_life = on_life
        self._due_s = time.monotonic() + due_s

    async def iter_chunked(self, _size: int) -> AsyncIterator[bytes]:
        """Every line as it comes, whole. Raises ClientPayloadError at one without an end."""
        parts: list[bytes] = []
        length = 0
        async for data in self._content.iter_any():
            *lines, rest = data.split(b"\n")
            for line in lines:
                yield self._minded(b"".join((*parts, line)))
                parts, length = [], 0
            parts.append(rest)
            length += len(rest)
            if length > _MAX_LINE_BYTES:
                raise ClientPayloadError(f"a line of a watch has more than {_MAX_LINE_BYTES} bytes")
        if time.monotonic() >= self._due_s:
            self._on_life()
        yield self._minded(b"".join(parts))

    def _minded(self, line: bytes) -> bytes:
        event = checked(line)
        if event not in (b"", EXPIRED):
            self._on_life()
        return event


class Expired:
    """Stands in for the content of a watch that must begin anew."""

    async def iter_chunked(self, _size: int) -> AsyncIterator[bytes]:
        yield EXPIRED


def checked(line: bytes) -> bytes:
    """Return an event that kopf can decode: that of the line, or that the watch is too old.

    kopf ends at an error that it does not know, and at what is no event. To list anew brings what that would have told.
    `text` of the object is what was read of it.
    """
    line = cut(line)
    if not line.strip():
        return b""
    try:
        event = _EVENTS.decode(line)
        if event.type == "BOOKMARK":
            return line + b"\n"
        metadata = event.object.metadata
        if event.type == "ERROR" or not _is_whole(metadata):
            return EXPIRED
        text = msgspec.json.encode(event.object).decode()
    except UNDECODABLE:
        return EXPIRED
    identity = {"metadata": metadata, "text": text}
    return msgspec.json.encode({"type": event.type, "object": identity}) + b"\n"


def _is_whole(metadata: _Metadata) -> bool:
    return bool(metadata.name and metadata.uid) and metadata.resourceVersion.isdecimal()
