"""Records of limits: `R|100.0|1|` for scripts (scripts/lib/definitions.lua) and for Python alike."""

import re

from taskqueue.models.identity import NAME_PATTERN
from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND
from taskqueue.models.rate import MAX_BURST
from taskqueue.models.values import Limit, LimitKey, UserLimit
from taskqueue.store.scalars import read_whole

_LETTERS = {LimitKey.RELEASE: "R", LimitKey.USER: "U"}
_KEYS = {letter: key for key, letter in _LETTERS.items()}
_NAME = re.compile(NAME_PATTERN)


def encode_limit(limit: Limit) -> str:
    """Return the record of a limit.

    >>> encode_limit(Limit("shopify-shop", LimitKey.USER, 2.0, 40, "shopify-app"))
    'U|2.0|40|shopify-app'
    """
    return f"{_LETTERS[limit.key]}|{_values(limit)}|{limit.within or ''}"


def read_limit(name: bytes, value: bytes) -> Limit:
    """Read a record. Raises any error of UNREADABLE."""
    letter, rate, burst, within = value.decode("ascii").split("|")
    names = [name.decode("ascii"), *([within] if within else [])]
    if not all(_NAME.fullmatch(one) for one in names):
        raise ValueError(names)
    return Limit(names[0], _KEYS[letter], _read_rate(rate), _read_burst(burst), within or None)


def encode_user_limit(limit: UserLimit) -> str:
    """Return the record of a user's own values.

    >>> encode_user_limit(UserLimit("shopify-shop", 20.0, 400))
    '20.0|400'
    """
    return _values(limit)


def read_user_limit(name: str, value: bytes) -> UserLimit:
    """Read a user's own values at the limit `name`. Raises any error of UNREADABLE."""
    rate, burst = value.decode("ascii").split("|")
    return UserLimit(name, _read_rate(rate), _read_burst(burst))


def _values(limit: Limit | UserLimit) -> str:
    return f"{limit.per_second!r}|{limit.burst}"


def _read_rate(text: str) -> float:
    rate = float(text)
    if not MIN_PER_SECOND <= rate <= MAX_PER_SECOND:
        raise ValueError(text)
    return rate


def _read_burst(text: str) -> int:
    burst = read_whole(text)
    if not 1 <= burst <= MAX_BURST:
        raise ValueError(text)
    return burst
