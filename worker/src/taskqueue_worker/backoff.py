"""When a failed job runs again: full jitter, after the AWS architecture note "Exponential backoff and jitter"."""

import random

from taskqueue.models.values import Retry


def backoff_ms(retry: Retry, failures: int, uniform: float | None = None) -> int:
    """A delay uniform in [0, min(max, min * 2**(failures-1))] ms; failures counts this one too, from 1.

    >>> backoff_ms(Retry(min_backoff_ms=1_000, max_backoff_ms=300_000), 3, uniform=1.0)
    4000
    """
    ceiling = min(retry.max_backoff_ms, retry.min_backoff_ms * 2 ** min(failures - 1, 40))
    return int((random.random() if uniform is None else uniform) * ceiling)
