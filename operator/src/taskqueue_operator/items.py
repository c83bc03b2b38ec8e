"""One object as the API server sent it, in a list or in a watch: what is used of it is decoded, and no more."""

from typing import Any, NotRequired, TypedDict

import msgspec

from taskqueue_operator.connection import UNDECODABLE, said

#: Of spec and status. What the models take has less; decoded, a stranger's bytes take up to thirty times their room.
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


#: Skips the rest: managedFields are more than half of an object.
_ITEMS = msgspec.json.Decoder(_Item)
_MAPPINGS = msgspec.json.Decoder(dict[str, Any])


def decode(raw: bytes | msgspec.Raw, why: str = "") -> dict[str, Any]:
    """Decode metadata, spec and status; `unreadable` says why there is nothing but metadata.

    why: of an object that is known to have nothing else. Raises what UNDECODABLE names where even that cannot be read.
    """
    item = _ITEMS.decode(raw)
    parts = {"spec": item.get("spec"), "status": item.get("status")}
    length = sum(len(bytes(part)) for part in parts.values() if part is not None)
    if not why and length > MAX_BYTES:
        why = f"spec and status have {length} bytes, at most {MAX_BYTES} are read"
    read: dict[str, Any] = {"metadata": item["metadata"]}
    if not why:
        try:
            return read | {name: _MAPPINGS.decode(part) for name, part in parts.items() if part is not None}
        except UNDECODABLE as error:
            why = said(error)
    return read | {"unreadable": why}
