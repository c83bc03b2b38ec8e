"""Reads how an attempt ended from what its handler raised.

User code wrote the exception and may have changed it since: whatever its attributes hold, what is returned here is
printable text and a delay within bounds.
"""

import math
import sys
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, get_args

from taskqueue.handlers.outcomes import Discard, RateLimited, RetryLater, Scope
from taskqueue.text.printable import describe_error, printable, type_name

#: A limit that closes for less would let a job that costs no attempt spin; for more is an epoch time as a rule.
RATE_LIMITED_MIN_S = 1.0
RATE_LIMITED_MAX_S = 86_400.0
RETRY_LATER_MAX_S = 30 * 86_400.0

EndingKind: TypeAlias = Literal["retry", "dead", "rate-limited"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt that raised ended.

    delay_s: None for the type's backoff.   asked_s: the delay that the handler asked for, if it was out of bounds.
    scope: of `rate-limited`.   logged: stands for the reason in logs, as an exception's text may quote params.
    """

    kind: EndingKind
    reason: str
    logged: str
    delay_s: float | None = None
    asked_s: float | None = None
    scope: Scope = "type"


def read_ending(error: BaseException) -> Ending:
    """Return what an exception asks for. One that asks for nothing readable is a failed attempt."""
    if issubclass(type(error), RateLimited):
        return _rate_limited(error)
    if issubclass(type(error), RetryLater):
        return _retry_later(error)
    if issubclass(type(error), Discard):
        reason = printable(_attribute(error, "reason"))
        return Ending("dead", reason, reason)
    return Ending("retry", describe_error(error), type_name(error))


def _rate_limited(error: BaseException) -> Ending:
    asked_s = _number(_attribute(error, "retry_after_s"))
    scope = printable(_attribute(error, "scope"))
    if asked_s is None:
        return _unreadable(error, "retry_after_s must be a number of seconds")
    if scope not in get_args(Scope):
        return _unreadable(error, f"scope must be 'type', 'user' or 'global' (was {scope!r})")
    delay_s = min(max(asked_s, RATE_LIMITED_MIN_S), RATE_LIMITED_MAX_S)
    reason = printable(_attribute(error, "reason"))
    return Ending(
        "rate-limited", reason, reason, delay_s, asked_s if asked_s != delay_s else None, cast("Scope", scope)
    )


def _retry_later(error: BaseException) -> Ending:
    reason = printable(_attribute(error, "reason"))
    after_s = _attribute(error, "after_s")
    if after_s is None:
        return Ending("retry", reason, reason)
    asked_s = _number(after_s)
    if asked_s is None:
        return _unreadable(error, "after_s must be a number of seconds")
    delay_s = min(max(asked_s, 0.0), RETRY_LATER_MAX_S)
    return Ending("retry", reason, reason, delay_s, asked_s if asked_s != delay_s else None)


def _unreadable(error: BaseException, fault: str) -> Ending:
    reason = f"{type_name(error)}: {fault}"
    return Ending("retry", reason, reason)


def _attribute(error: BaseException, name: str) -> Any:
    """Return an attribute; one that is missing, or a property that raises, is an empty text."""
    try:
        return getattr(error, name, "")
    except BaseException:  # noqa: BLE001 - whatever user code raises
        return ""


def _number(value: object) -> float | None:
    """Return a finite number; an infinite or huge one is as large as numbers get, anything else None."""
    try:
        try:
            number = float(value)  # type: ignore[arg-type]
        except OverflowError:
            number = math.inf if value > 0 else -math.inf  # type: ignore[operator]
    except BaseException:  # noqa: BLE001 - whatever user code raises
        return None
    if math.isnan(number):
        return None
    return min(max(number, -sys.float_info.max), sys.float_info.max)
