"""Rates as Kubernetes writes numbers: "10", "0.5", "500m". Text, because a CRD has no floats that survive."""

import math
import re

from taskqueue.models.refusal import ValueRefusedError, must_be

PATTERN = r"^[+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$"
MAX_CHARACTERS = 32
#: Bounds of every rate: of manifests, settings and commands, and of the store's scripts, which take them from here.
#: Below, a cost of 1000 would book a slot beyond the microseconds that a double counts exactly; above, a limit has no
#: effect.
MIN_PER_SECOND = 1e-6
MAX_PER_SECOND = 1e6
#: The rate of a global limit that holds nothing back, so that only limits by name do. As a number it is infinite.
NO_LIMIT = "none"

_WHOLE = re.compile(PATTERN.removesuffix("$"))
_FACTOR = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_FACTOR |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", start=1)}


def parse_per_second(written: str | int) -> float:
    """Turn a quantity into starts per second. Raises ValueRefusedError.

    >>> parse_per_second("500m"), parse_per_second("1e2"), parse_per_second(10)
    (0.5, 100.0, 10.0)
    """
    text = written if isinstance(written, str) else format(written, "d") if written < 10**9 else "1G"
    match = _WHOLE.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    if match is None:
        raise ValueRefusedError(must_be('a number above zero, such as "10", "0.5" or "500m"', written))
    number, _, suffix = match.groups()
    exponent = suffix is not None and suffix[0] in "eE" and len(suffix) > 1 and suffix[1] != "i"
    per_second = float(number + suffix) if exponent else float(number) * _FACTOR.get(suffix, 1.0)
    if not MIN_PER_SECOND <= per_second <= MAX_PER_SECOND:
        raise ValueRefusedError(must_be('a rate above zero, from "1u" to "1M" a second', written))
    return per_second


def parse_global_rate(text: str) -> float:
    """Turn the rate of the global limit into starts per second, infinite for NO_LIMIT. Raises ValueRefusedError.

    >>> parse_global_rate("100"), parse_global_rate("none")
    (100.0, inf)
    """
    return math.inf if text == NO_LIMIT else parse_per_second(text)


def written_rate(per_second: float) -> float | str:
    """Return the rate of the global limit as the store, JSON and people have it.

    >>> written_rate(100.0), written_rate(math.inf)
    (100.0, 'none')
    """
    return NO_LIMIT if per_second == math.inf else per_second
