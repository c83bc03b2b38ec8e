"""Params are JSON: they reach a handler unchanged through Redis and an HTTP body."""

import math
from typing import Any

import msgspec

from taskqueue.models.nesting import MAX_DEPTH, TOO_DEEP
from taskqueue.models.refusal import ValueRefusedError

MAX_TASK_BYTES = 1_024
MAX_OBJECT_BYTES = 65_536
INTEGERS = range(-(2**63), 2**63)


def check_params(params: object) -> dict[str, Any]:
    """Return params that are a JSON object of at most 1 KiB. Raises ValueRefusedError.

    No message repeats their values: params may hold secrets.
    """
    if not isinstance(params, dict):
        raise ValueRefusedError("write a mapping of names to values, such as {region: eu}")
    written = json_bytes(params)
    if written > MAX_TASK_BYTES:
        raise ValueRefusedError(f"write at most {MAX_TASK_BYTES} bytes of JSON instead of {written}")
    return params


def json_bytes(params: Any) -> int:
    """Return the bytes that params take as JSON. Raises ValueRefusedError for values that JSON cannot hold."""
    _check_json(params, MAX_DEPTH)
    return len(msgspec.json.encode(params))


def _check_json(value: object, depth: int) -> None:
    if not isinstance(value, dict | list):
        _check_scalar(value)
        return
    if not depth:
        raise ValueRefusedError(TOO_DEEP)
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ValueRefusedError("write every key as text, in quotes")
            if not key.isascii():
                check_text(key)
        value = list(value.values())
    for item in value:
        if (
            type(item) is not str or not item.isascii()
        ):  # most are plain words; a call for each would double the time
            _check_json(item, depth - 1)


def _check_scalar(value: object) -> None:
    match value:
        case str():
            check_text(value)
        case float():
            if not math.isfinite(value):
                raise ValueRefusedError("write finite numbers: JSON has no NaN and no infinity")
        case int():
            if value not in INTEGERS:
                raise ValueRefusedError("write a number beyond 64 bits as text, in quotes")
        case None:
            pass
        case _:
            raise ValueRefusedError("write text, numbers, true, false, null, lists and mappings only")


def check_text(text: str) -> None:
    """Raise ValueRefusedError for text that no JSON can carry."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueRefusedError("write whole characters: half a surrogate pair is not text") from error
