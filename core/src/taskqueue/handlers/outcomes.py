"""What a handler may raise. Returning means done; any other exception means: try again with backoff."""

import math
import sys
from typing import Literal, TypeAlias

Scope: TypeAlias = Literal["type", "user", "global"]


class Outcome(Exception):  # noqa: N818 - these are requests to the worker, not errors
    """The handler asks for something else than done."""

    reason: str


class RetryLater(Outcome):
    """Try again later."""

    def __init__(self, after_s: float | None = None, reason: str = "") -> None:
        """Consume an attempt and wait `after_s` seconds, 30 days at most; None stands for the type's backoff.

        A negative delay is taken as 0. Raises ValueError if it is not finite.
        """
        self.after_s = None if after_s is None else _delay(after_s)
        self.reason = reason or str(type(self).__doc__)
        super().__init__(self.reason)


class Discard(Outcome):
    """The job can never succeed."""

    def __init__(self, reason: str) -> None:
        """Go straight to the dead letters: no further attempt."""
        self.reason = reason
        super().__init__(reason)


class RateLimited(Outcome):
    """The API refuses further calls for a while."""

    def __init__(self, retry_after_s: float, scope: Scope = "type") -> None:
        """Close a limit for all workers for `retry_after_s` seconds; consumes no attempt.

        scope: "type" for this task type, "user" for all jobs of this user, "global" for everything.
        The worker closes it for 1 s at least and 24 h at most. Raises ValueError if the delay is not finite or the
        scope is another word.
        """
        if scope not in ("type", "user", "global"):
            raise ValueError(f"scope must be 'type', 'user' or 'global' (was {scope!r})")
        self.retry_after_s = _delay(retry_after_s)
        self.scope: Scope = scope
        self.reason = f"the API asks to wait {self.retry_after_s:g} s (scope {scope})"
        super().__init__(self.reason)


def _delay(seconds: float) -> float:
    try:
        number = float(seconds)
    except OverflowError:  # an int too large for a float
        number = sys.float_info.max if seconds > 0 else 0.0
    if not math.isfinite(number):
        raise ValueError(f"a delay must be a finite number of seconds (was {number})")
    return max(0.0, number)
