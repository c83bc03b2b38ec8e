"""Outcome of a hostile exception: printable text and a bounded delay, for any value of its attributes."""

import asyncio
import math
from typing import Any

import pytest

from taskqueue.handlers import Discard, RateLimited, RetryLater
from taskqueue.handlers.verdict import (
    RATE_LIMITED_MAX_S,
    RATE_LIMITED_MIN_S,
    RETRY_LATER_MAX_S,
    FailureVerdict,
    read_verdict,
)
from taskqueue.models.outcome import Outcome


def changed(error: Exception, **attributes: Any) -> Exception:
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


class Bare(RateLimited):
    def __init__(self) -> None:
        Exception.__init__(self)


class Traps(Discard):
    reason = property(lambda self: 1 / 0)

    def __init__(self) -> None:
        Exception.__init__(self)


@pytest.mark.parametrize(
    ("error", "delay_s", "asked_s"),
    [
        (RateLimited(5), 5, None),
        (RateLimited(0), RATE_LIMITED_MIN_S, 0),
        (RateLimited(-1), RATE_LIMITED_MIN_S, 0),
        (RateLimited(1e300), RATE_LIMITED_MAX_S, 1e300),
        (RateLimited(10**400), RATE_LIMITED_MAX_S, 1.7976931348623157e308),
        (RateLimited(1795977600, limit="global"), RATE_LIMITED_MAX_S, 1795977600),
        (changed(RateLimited(5), retry_after_s="7"), 7, None),
        (changed(RateLimited(5), retry_after_s=math.inf), RATE_LIMITED_MAX_S, 1.7976931348623157e308),
        (RetryLater(), None, None),
        (RetryLater(-3), 0, None),
        (RetryLater(1e300), RETRY_LATER_MAX_S, 1e300),
        (changed(RetryLater(), after_s=-(10**400)), 0, -1.7976931348623157e308),
    ],
)
def test_delays_are_bounded(error: Exception, delay_s: float | None, asked_s: float | None) -> None:
    verdict = read_verdict(error)
    assert (verdict.delay_s, verdict.asked_s) == (delay_s, asked_s)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            changed(RateLimited(5), retry_after_s=math.nan),
            "RateLimited: retry_after_s must be a number of seconds",
        ),
        (
            changed(RateLimited(5), retry_after_s=None),
            "RateLimited: retry_after_s must be a number of seconds",
        ),
        (changed(RateLimited(5), limit=5), "RateLimited: limit must be"),
        (changed(RateLimited(5), limit=["app"]), "RateLimited: limit must be"),
        (changed(RetryLater(5), after_s=object()), "RetryLater: after_s must be a number of seconds"),
        (Bare(), "Bare: retry_after_s must be a number of seconds"),
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (SystemExit("\ud800"), "SystemExit: \\ud800"),
        (GeneratorExit(1, 2), "GeneratorExit: (1, 2)"),
        (BaseExceptionGroup("several", [asyncio.CancelledError()]), "BaseExceptionGroup: several"),
    ],
)
def test_an_unreadable_ending_is_a_failed_attempt(error: BaseException, reason: str) -> None:
    verdict = read_verdict(error)
    assert verdict.outcome is Outcome.RETRIED
    assert verdict.delay_s is None
    assert verdict.reason.startswith(reason)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Discard("\ud800"), "\\ud800"),
        (Discard(404), "404"),  # type: ignore[arg-type]
        (Discard(None), "None"),  # type: ignore[arg-type]
        (Discard("x" * 10_000_000), "x" * 500),
        (Traps(), ""),
    ],
    ids=["surrogate", "a number", "None", "long", "a property that raises"],
)
def test_a_discarded_job_is_dead_for_any_reason(error: Exception, reason: str) -> None:
    assert read_verdict(error) == FailureVerdict(Outcome.DEAD, reason, reason)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_non_numeric_delay_is_refused_in_the_handler(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        RateLimited(number)
    with pytest.raises(ValueError, match="finite"):
        RetryLater(number)
