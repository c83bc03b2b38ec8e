"""The verdict on an exception that a handler raised: an outcome, a reason and a delay.

User code wrote the exception and may have changed its attributes. A verdict holds printable text and a delay within
bounds, whatever they are.
"""

import math
import sys
from dataclasses import dataclass
from typing import Any

from taskqueue.handlers.outcomes import Discard, RateLimited, RetryLater
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import CLOSED_MAX_S
from taskqueue.text.printable import describe_error, printable, type_name

#: Bounds for the closing of a limit (s). Below, a job that costs no attempt would spin; above, an epoch time is likely.
RATE_LIMITED_MIN_S = 1.0
RATE_LIMITED_MAX_S = float(CLOSED_MAX_S)
#: Upper bound of a delay that a handler asks for (s).
RETRY_LATER_MAX_S = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class FailureVerdict:
    """The outcome of an attempt whose handler raised: retried, dead or limited.

    delay_s: None for the type's backoff.   asked_s: the delay that the handler asked for, if it was out of bounds.
    limit: to close, empty for the type's default.
    logged: the reason for logs, without an exception's text, which may quote params.
    """

    outcome: Outcome
    reason: str
    logged: str
    delay_s: float | None = None
    asked_s: float | None = None
    limit: str = ""


def read_verdict(error: BaseException) -> FailureVerdict:
    """Return the verdict on an exception. One with attributes that cannot be read is a failed attempt."""
    if issubclass(type(error), RateLimited):
        return _rate_limited(error)
    if issubclass(type(error), RetryLater):
        return _retry_later(error)
    if issubclass(type(error), Discard):
        reason = printable(_attribute(error, "reason"))
        return FailureVerdict(Outcome.DEAD, reason, reason)
    return FailureVerdict(Outcome.RETRIED, describe_error(error), type_name(error))


def _rate_limited(error: BaseException) -> FailureVerdict:
    asked_s = _number(_attribute(error, "retry_after_s"))
    limit = _attribute(error, "limit")
    if asked_s is None:
        return _unreadable(error, "retry_after_s must be a number of seconds")
    if limit is not None and type(limit) is not str:
        return _unreadable(error, "limit must be the name of a limit, or None")
    delay_s = min(max(asked_s, RATE_LIMITED_MIN_S), RATE_LIMITED_MAX_S)
    reason = printable(_attribute(error, "reason"))
    return FailureVerdict(
        Outcome.LIMITED,
        reason,
        reason,
        delay_s,
        asked_s if asked_s != delay_s else None,
        printable(limit or ""),
    )


def _retry_later(error: BaseException) -> FailureVerdict:
    reason = printable(_attribute(error, "reason"))
    after_s = _attribute(error, "after_s")
    if after_s is None:
        return FailureVerdict(Outcome.RETRIED, reason, reason)
    asked_s = _number(after_s)
    if asked_s is None:
        return _unreadable(error, "after_s must be a number of seconds")
    delay_s = min(max(asked_s, 0.0), RETRY_LATER_MAX_S)
    return FailureVerdict(Outcome.RETRIED, reason, reason, delay_s, asked_s if asked_s != delay_s else None)


def _unreadable(error: BaseException, fault: str) -> FailureVerdict:
    reason = f"{type_name(error)}: {fault}"
    return FailureVerdict(Outcome.RETRIED, reason, reason)


def _attribute(error: BaseException, name: str) -> Any:
    """Return an attribute; an empty text if it is missing, or a property that raises."""
    try:
        return getattr(error, name, "")
    except BaseException:  # noqa: BLE001 - whatever user code raises
        return ""


def _number(value: object) -> float | None:
    """Return a finite number, an infinite one as the largest float; None for NaN and everything else."""
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
