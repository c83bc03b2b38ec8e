"""Decoding of one object from a list or a watch: only the parts in use, within limits."""

from typing import Any, NotRequired, TypedDict

import msgspec

from taskqueue_operator.connection import UNDECODABLE, describe_error

#: Maximum size of spec and of status. The models accept less; decoded JSON takes up to thirty times its size.
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
#: Skips all other fields: managedFields are more than half of an object.
_ITEMS = msgspec.json.Decoder(_Item)
_EMPTY = msgspec.Raw(b"{}")


def decode(raw: bytes | msgspec.Raw, reason: str = "") -> dict[str, Any]:
    """Decode metadata, spec and status; of an object with `unreadable` (a reason) the spec has at most `userId`.

    reason: for an object that was read without spec and status. Raises UNDECODABLE if the metadata cannot be decoded.
    """
    item = _ITEMS.decode(raw)
    spec, status = item.get("spec", _EMPTY), item.get("status", _EMPTY)
    read: dict[str, Any] = {"metadata": item["metadata"]}
    read["status"], status_fault = _read(status, _MAPPING)
    if not reason and not status_fault:
        read["spec"], reason = _read(spec, _MAPPING)
        if not reason:
            return read
    read["spec"] = _decoded(spec, _USER)[0]
    return read | {"unreadable": reason or status_fault}


def _read(part: msgspec.Raw, decoder: msgspec.json.Decoder[Any]) -> tuple[dict[str, Any], str]:
    length = len(memoryview(part))
    if length > MAX_BYTES:
        return {}, f"spec and status must have at most {MAX_BYTES} bytes each (was {length})"
    return _decoded(part, decoder)


def _decoded(part: msgspec.Raw, decoder: msgspec.json.Decoder[Any]) -> tuple[dict[str, Any], str]:
    try:
        return decoder.decode(part), ""
    except UNDECODABLE as error:
        return {}, describe_error(error)
