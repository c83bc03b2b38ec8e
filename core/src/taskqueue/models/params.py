"""Params are JSON: they reach a handler unchanged through Redis and an HTTP body."""

import math
from typing import Any

import msgspec

from taskqueue.models.nesting import MAX_DEPTH, TOO_DEEP
from taskqueue.models.refusal import ValueRefusedError, must_be

MAX_TASK_BYTES = 1_024
MAX_OBJECT_BYTES = 65_536
INTEGERS = range(-(2**63), 2**63)
KEYS_ARE_TEXT = "every key must be text, in quotes"
HALF_A_CHARACTER = "text must have whole characters: half a surrogate pair is not text"


def check_params(params: object) -> dict[str, Any]:
    """Return params that are a JSON object of at most 1 KiB. Raises ValueRefusedError.

    No message repeats their values: params may hold secrets.
    """
    if not isinstance(params, dict):
        raise ValueRefusedError("must be a mapping of names to values, such as {region: eu}")
    written = json_bytes(params)
    if written > MAX_TASK_BYTES:
        raise ValueRefusedError(must_be(f"at most {MAX_TASK_BYTES} bytes of JSON", written))
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
                raise ValueRefusedError(KEYS_ARE_TEXT)
            if not key.isascii():
                check_text(key)
        value = list(value.values())
    for item in value:
        # Most are plain words or numbers; a call for each would double the time.
        is_plain = item.isascii() if type(item) is str else type(item) is int and item in INTEGERS
        if not is_plain:
            _check_json(item, depth - 1)


def _check_scalar(value: object) -> None:
    match value:
        case str():
            check_text(value)
        case float():
            if not math.isfinite(value):
                raise ValueRefusedError("numbers must be finite: JSON has no NaN and no infinity")
        case int():
            if value not in INTEGERS:
                raise ValueRefusedError("numbers beyond 64 bits must be text, in quotes")
        case None:
            pass
        case _:
            raise ValueRefusedError("values must be text, numbers, true, false, null, lists or mappings")


def check_text(text: str) -> None:
    """Raise ValueRefusedError for text that no JSON can carry."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueRefusedError(HALF_A_CHARACTER) from error
