"""The lines of a watch as events that kopf can decode: the identity of an object, and the object as one text.

kopf therefore decodes no content that users wrote, and keeps little of an event that waits.
"""

import time
from collections.abc import AsyncIterator, Callable

import msgspec
from aiohttp import ClientPayloadError, StreamReader

from taskqueue.models.nesting import cut
from taskqueue_operator.connection import UNDECODABLE

#: An event has one object of at most 1.5 MiB.
_MAX_LINE_BYTES = 2**24
#: Makes kopf list again and watch from that version.
EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}}\n'


class _Metadata(msgspec.Struct, omit_defaults=True):
    resourceVersion: str
    name: str = ""
    uid: str = ""
    generation: int = 0
    creationTimestamp: str = ""


class _Object(msgspec.Struct, omit_defaults=True):
    metadata: _Metadata
    spec: msgspec.Raw = msgspec.Raw(b"{}")
    status: msgspec.Raw = msgspec.Raw(b"{}")


class _Event(msgspec.Struct):
    type: str
    object: _Object


_EVENTS = msgspec.json.Decoder(_Event)


class Lines:
    """The content of the answer to a watch request.

    on_life: called for every event that can be decoded, and at an end after at least `due_s`. An earlier end is no sign
    of life, because another server in place of an API server may answer anything and end at once.
    """

    def __init__(self, content: StreamReader, on_life: Callable[[], None], due_s: float) -> None:
        self._content = content
        self._on_life = on_life
        self._due_s = time.monotonic() + due_s

    async def iter_chunked(self, _size: int) -> AsyncIterator[bytes]:
        """Yield each complete line as it arrives. Raises ClientPayloadError if a line is too long."""
        parts: list[bytes] = []
        length = 0
        async for data in self._content.iter_any():
            *lines, rest = data.split(b"\n")
            for line in lines:
                yield self._event(b"".join((*parts, line)))
                parts, length = [], 0
            parts.append(rest)
            length += len(rest)
            if length > _MAX_LINE_BYTES:
                raise ClientPayloadError(
                    f"a line of a watch must have at most {_MAX_LINE_BYTES} bytes (was {length})"
                )
        if time.monotonic() >= self._due_s:
            self._on_life()
        yield self._event(b"".join(parts))

    def _event(self, line: bytes) -> bytes:
        event = checked(line)
        if event not in (b"", EXPIRED):
            self._on_life()
        return event


class Expired:
    """The content of a watch that must begin with a new list."""

    async def iter_chunked(self, _size: int) -> AsyncIterator[bytes]:
        yield EXPIRED


def checked(line: bytes) -> bytes:
    """Return the event of a line, its object as an identity and `text`; EXPIRED if the line has no valid event.

    kopf ends at an unknown error and at an invalid event. After EXPIRED it lists again, which makes up for the event.
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
