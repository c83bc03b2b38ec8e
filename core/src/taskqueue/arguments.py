"""Checks of the arguments of a client. Each raises ValueRefusedError with the name of the argument."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from taskqueue.models.params import check_params
from taskqueue.models.refusal import ValueRefusedError

_Value = TypeVar("_Value")
#: Longest delay and longest life of a job.
_MAX_S = 366 * 86_400


def check_named(name: str, check: Callable[[str], _Value], value: object) -> _Value:
    """Check an argument and return its value."""
    if not isinstance(value, str):
        raise ValueRefusedError(f"{name} must be text (was {type(value).__name__})")
    try:
        return check(value)
    except ValueRefusedError as error:
        raise ValueRefusedError(f"{name}: {error}") from None


def read_params(params: object, name: str = "params") -> dict[str, Any]:
    if params is not None and not isinstance(params, Mapping):
        raise ValueRefusedError(f"{name} must be a mapping (was {type(params).__name__})")
    try:
        return check_params(dict(params)) if params else {}
    except ValueRefusedError as error:
        raise ValueRefusedError(f"{name}: {error}") from None


def milliseconds(name: str, seconds: float) -> int:
    """Return milliseconds, rounded up."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _MAX_S:
        raise ValueRefusedError(f"{name} must be from 0 to {_MAX_S} seconds (was {seconds!r})")
    return math.ceil(seconds * 1000)
