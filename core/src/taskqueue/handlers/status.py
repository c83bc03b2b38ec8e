"""The outcome of an HTTP status. Reasons hold the status and no other part of the exchange."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from taskqueue.handlers.errors import CallFailed
from taskqueue.handlers.outcomes import Discard, RateLimited, RetryLater
from taskqueue.handlers.retry_after import retry_after_s

RATE_LIMITED_DEFAULT_S = 1.0
"""Wait after a 429 without a time, or with a time of 0: a job that uses no attempt would spin."""

_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


def judge(status: int, headers: Mapping[str, str], limit_on_429: str | None = None) -> None:
    """Return for 2xx; raise RateLimited, RetryLater, CallFailed (retried with backoff) or Discard for the rest.

    limit_on_429: the limit that a 429 closes; None for the type's default.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited(retry_after_s(headers, datetime.now(UTC)) or RATE_LIMITED_DEFAULT_S, limit_on_429)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        delay = retry_after_s(headers, datetime.now(UTC))
        if delay:  # not for 0 s: attempts would be used up within milliseconds
            raise RetryLater(delay, _named(status))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        raise CallFailed(_named(status))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise Discard(f"{_named(status)}: redirects are not followed, write the final URL into the task type")
    raise Discard(_named(status))


def _named(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"
