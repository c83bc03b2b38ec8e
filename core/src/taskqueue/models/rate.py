"""The rate of a limit as people write it, `{requests: 2, per: 1s}`, and the starts per second that it stands for."""

from fractions import Fraction
from math import isclose

from taskqueue.models.duration import format_ms, parse_positive_ms
from taskqueue.models.quantity import MAX_PER_SECOND

#: Beyond a million in any duration people mean another duration; more than a million a second limits nothing.
MAX_REQUESTS = 1_000_000
#: A slower limit is a quota: its spacing of starts, more than a day, would be of use to no API.
MAX_SPACING_MS = 86_400_000
#: A bucket of 10,000 at one a day fills in 27 years: the microseconds of that are exact in a double of the scripts.
MAX_BURST = 10_000
MAX_PER_MS = round(MAX_PER_SECOND / 1_000)
_UNITS = ((1, "s"), (60, "min"), (3_600, "h"), (86_400, "day"))
RATES = f"from 1 request per 24h to {MAX_PER_MS} requests per 1ms"


def is_within_bounds(requests: int, per_ms: int) -> bool:
    """Tell whether a rate is one of RATES.

    >>> is_within_bounds(2, 1_000), is_within_bounds(1, 2 * MAX_SPACING_MS)
    (True, False)
    """
    return requests * MAX_SPACING_MS >= per_ms and requests <= MAX_PER_MS * per_ms


def starts_per_second(requests: int, per: str) -> float:
    """Return the rate of requests per duration. Raises ValueRefusedError for a duration that is none.

    >>> starts_per_second(2, "1s"), starts_per_second(90, "1m")
    (2.0, 1.5)
    """
    return requests * 1_000 / parse_positive_ms(per)


def requests_per_time(per_second: float) -> tuple[int, str]:
    """Return the requests and the duration that come closest to a rate, with the least numbers.

    >>> requests_per_time(4), requests_per_time(0.2)
    ((4, '1s'), (1, '5s'))
    """
    ratio = Fraction(per_second).limit_denominator(MAX_SPACING_MS // 1_000)
    if ratio.numerator > MAX_REQUESTS:
        ratio = Fraction(round(per_second))
    return max(1, ratio.numerator), format_ms(
        (ratio.denominator if ratio else MAX_SPACING_MS // 1_000) * 1_000
    )


def describe_rate(per_second: float) -> str:
    """Write a rate in the least unit in which it has at most two decimals, and is at least 1.

    >>> describe_rate(100), describe_rate(100 / 60), describe_rate(2.5), describe_rate(1 / 86_400)
    ('100/s', '100/min', '2.5/s', '1/day')
    """
    counts = [(per_second * seconds, unit) for seconds, unit in _UNITS]
    readable = [one for one in counts if one[0] >= 1 - 1e-9] or counts[-1:]
    short = [one for one in readable if isclose(one[0], round(one[0], 2))]
    count, unit = (short or readable)[0]
    return f"{round(count, 2):.10g}/{unit}"
