"""The exceptions by which a handler asks for an outcome: RetryLater, Discard, RateLimited.

A handler that returns is done; any other exception is retried with backoff.
"""

import math
import sys


class OutcomeRequest(Exception):  # noqa: N818 - a request to the worker, no error
    """A handler asks for another outcome than done."""

    reason: str


class RetryLater(OutcomeRequest):
    """Try again later."""

    def __init__(self, after_s: float | None = None, reason: str = "") -> None:
        """Use an attempt and wait `after_s` seconds, at most 30 days; None is the type's backoff.

        A negative delay counts as 0. Raises ValueError if the delay is not finite.
        """
        self.after_s = None if after_s is None else _delay(after_s)
        self.reason = reason or str(type(self).__doc__)
        super().__init__(self.reason)


class Discard(OutcomeRequest):
    """The job can never succeed."""

    def __init__(self, reason: str) -> None:
        """Make the job a dead letter without a further attempt."""
        self.reason = reason
        super().__init__(reason)


class RateLimited(OutcomeRequest):
    """The API refuses further calls for a while."""

    def __init__(self, retry_after_s: float, limit: str | None = None) -> None:
        """Close a limit for all workers for `retry_after_s` seconds; no attempt is used.

        limit: a limit that the job takes from, by name, or "global". None closes the type's User limit for this user,
        and its Release limit as well once three users were refused within a second; a type without limits by name
        waits as a whole. So it does, with an error in the worker's log, for a limit from which the job does not take.
        The worker closes it for at least 1 s and at most 24 h. Raises ValueError for a delay that is not finite, and
        for a limit that is no name.
        """
        if limit is not None and (not isinstance(limit, str) or not limit):
            raise ValueError(f"limit must be the name of a limit, or None (was {limit!r})")
        self.retry_after_s = _delay(retry_after_s)
        self.limit = limit
        closes = f" (limit {limit})" if limit else ""
        self.reason = f"the API asks to wait {self.retry_after_s:g} s{closes}"
        super().__init__(self.reason)


def _delay(seconds: float) -> float:
    try:
        number = float(seconds)
    except OverflowError:  # an int too large for a float
        number = sys.float_info.max if seconds > 0 else 0.0
    if not math.isfinite(number):
        raise ValueError(f"a delay must be a finite number of seconds (was {number})")
    return max(0.0, number)
