"""Limits in words: the rate, when the next start is left, and until when a handler closed it."""

import math
import shlex
from collections.abc import Mapping, Sequence

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.rate import describe_rate
from taskqueue.store.limit_times import LimitTimes
from taskqueue.store.types import Catalog
from taskqueue.views.duration_text import duration_text
from taskqueue.views.instant import iso


def limit_text(limit: str, times: Mapping[str, LimitTimes], now_ms: int) -> str:
    """Return a limit (global, NAME, NAME|USER, type:TYPE) in words.

    >>> limit_text("shop|u-1", {"shop|u-1": LimitTimes(2.0, 40, 1_500, 0)}, 1_000)
    'the limit shop of user u-1, 2/s, free in 500 ms'
    """
    words = [_name(limit)]
    found = times.get(limit)
    if found and found.per_second and found.per_second != math.inf:
        words.append(describe_rate(found.per_second))
    if found and found.closed_ms > now_ms:
        words.append(
            f"closed by a handler until {iso(found.closed_ms)}: `taskqueue limit open{_argument(limit)}`"
        )
    elif found and found.free_ms > now_ms:
        words.append(f"free in {duration_text((found.free_ms - now_ms) / 1000)}")
    return ", ".join(words)


def last_free(path: Sequence[str], times: Mapping[str, LimitTimes], now_ms: int) -> str:
    """Return the limit of a path that has a start left last; the innermost of those that are free."""
    return max(path, key=lambda limit: max(times[limit].free_ms, now_ms) if limit in times else now_ms)


def is_unknown(limit: str, catalog: Catalog) -> bool:
    """Tell whether jobs are parked at a limit by name that nothing declares."""
    name = limit.partition("|")[0]
    return ":" not in name and name not in catalog.limits


def unknown_reason(limit: str) -> str:
    """Return the reason why a job waits for a limit that nothing declares."""
    return f"nothing declares the limit {limit}: apply a RateLimit of this name, or take it out of the type"


def _name(limit: str) -> str:
    name, _, user = limit.partition("|")
    level, _, subject = limit.partition(":")
    if limit == GLOBAL_LIMIT:
        return "the global limit"
    if user:
        return f"the limit {name} of user {user}"
    if subject:
        return f"the limit of the {'task type' if level == 'type' else 'user'} {subject}"
    return f"the limit {name}"


def _argument(limit: str) -> str:
    name, _, user = limit.partition("|")
    if limit == GLOBAL_LIMIT:
        return ""
    if limit.startswith("type:"):
        return f" --type {limit.removeprefix('type:')}"
    return f" {name} --user {shlex.quote(user)}" if user else f" {name}"
