"""One object as the API server sent it, in a list or in a watch: what is used of it is decoded, and no more."""

from typing import Any, NotRequired, TypedDict

import msgspec

from taskqueue_operator.connection import UNDECODABLE, describe_error

#: Of spec, and of status. What the models take has less; decoded, any bytes take up to thirty times their room.
MAX_BYTES = 2**19


class _Metadata(TypedDict, total=False):
    name: str
    uid: str
    generation: int
    creationTimestamp: str
    resourceVersion: str


class _Item(TypedDict):
    metadata: _Metadata
    spec: NotRequired[msgspec.Raw]
    status: NotRequired[msgspec.Raw]


class _User(TypedDict):
    userId: NotRequired[str]


_MAPPING = msgspec.json.Decoder(dict[str, Any])
_USER = msgspec.json.Decoder(_User)
#: Skips the rest: managedFields are more than half of an object.
_ITEMS = msgspec.json.Decoder(_Item)
_EMPTY = msgspec.Raw(b"{}")


def decode(raw: bytes | msgspec.Raw, why: str = "") -> dict[str, Any]:
    """Decode metadata, spec and status; `unreadable` says why of the spec there is at most whose user it declares.

    why: of an object that is known to have nothing else. Raises what UNDECODABLE names where even that cannot be read.
    """
    item = _ITEMS.decode(raw)
    spec, status = item.get("spec", _EMPTY), item.get("status", _EMPTY)
    read: dict[str, Any] = {"metadata": item["metadata"]}
    read["status"], wrong = _read(status, _MAPPING)
    if not why and not wrong:
        read["spec"], why = _read(spec, _MAPPING)
        if not why:
            return read
    read["spec"] = _decoded(spec, _USER)[0]
    return read | {"unreadable": why or wrong}


def _read(part: msgspec.Raw, decoder: msgspec.json.Decoder[Any]) -> tuple[dict[str, Any], str]:
    length = len(memoryview(part))
    if length > MAX_BYTES:
        return {}, f"spec or status has {length} bytes, at most {MAX_BYTES} are read"
    return _decoded(part, decoder)


def _decoded(part: msgspec.Raw, decoder: msgspec.json.Decoder[Any]) -> tuple[dict[str, Any], str]:
    try:
        return decoder.decode(part), ""
    except UNDECODABLE as error:
        return {}, describe_error(error)
