"""Durations as Kubernetes' Gateway API writes them (GEP-2257), and the milliseconds they stand for."""

import re

from taskqueue.models.refusal import ValueRefusedError, must_be

PATTERN = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"
MAX_CHARACTERS = 32
MAX_MS = 99_999 * 3_600_000 + 3_599_999  # 99999h59m59s999ms, the longest that GEP-2257 can write
_MS_PER_S = 1_000

_MS_PER_UNIT = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_WHOLE = re.compile(PATTERN.removesuffix("$"))
_PART = re.compile("([0-9]+)(h|ms|m|s)")


def parse_ms(text: str) -> int:
    """Turn `1h30m` into 5,400,000. Parts add up, in any order.

    Raises ValueRefusedError for anything that is not a GEP-2257 duration.

    >>> parse_ms("1m30s"), parse_ms("250ms")
    (90000, 250)
    """
    if not _WHOLE.fullmatch(text):
        rule = 'a duration such as "5m" or "1h30m": up to four numbers, each with h, m, s or ms'
        raise ValueRefusedError(must_be(rule, text))
    duration_ms = sum(int(number) * _MS_PER_UNIT[unit] for number, unit in _PART.findall(text))
    if duration_ms > MAX_MS:
        raise ValueRefusedError(must_be(f"at most {format_ms(MAX_MS)}", text))
    return duration_ms


def parse_positive_ms(text: str) -> int:
    """Read a duration above zero, such as a timeout. Raises ValueRefusedError, also for `0s`."""
    duration_ms = parse_ms(text)
    if duration_ms == 0:
        raise ValueRefusedError(must_be('a duration above zero, such as "30s"', text))
    return duration_ms


def parse_whole_s(text: str) -> int:
    """Turn an interval or a window into seconds: at least one, and whole, so that periods start on seconds.

    Raises ValueRefusedError.

    >>> parse_whole_s("5m")
    300
    """
    duration_ms = parse_ms(text)
    if duration_ms < _MS_PER_S or duration_ms % _MS_PER_S:
        raise ValueRefusedError(must_be('whole seconds, at least "1s"', text))
    return duration_ms // _MS_PER_S


def format_ms(duration_ms: int) -> str:
    """Write milliseconds in the shortest canonical form, largest unit first; parse_ms reads it back.

    >>> format_ms(5_400_000), format_ms(0)
    ('1h30m', '0s')
    """
    parts = []
    for unit, unit_ms in _MS_PER_UNIT.items():
        number, duration_ms = divmod(duration_ms, unit_ms)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
