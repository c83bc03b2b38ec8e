"""The rates that people write for a limit: whole requests per time, or starts per second to the thousandth."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from taskqueue.models.quantity import MAX_PER_SECOND
from taskqueue.plan.limit_paths import GLOBAL

# Requests per time that a rate has at least, where a longer time can give it: finer steps than a tenth.
_FINE = 10
# A quotient of floats may be this much too small.
_ROUNDED = 1e-9
_TIMES_S = {"1s": 1, "1m": 60, "1h": 3_600, "24h": 86_400}


@dataclass(frozen=True, slots=True)
class RateGrid:
    """The multiples of a step.   per: as in `rate: {requests: N, per: 1m}`; empty: starts per second."""

    step_per_s: float
    per: str

    def text(self, steps: int) -> str:
        """Return a rate as people write it.

        >>> RateGrid(1 / 60, "1m").text(12), RateGrid(0.001, "").text(1500)
        ('12 per 1m', '1.5')
        """
        if not self.per:
            return f"{steps * self.step_per_s:.10g}"
        return f"{steps}{self.per}" if self.per.startswith("/") else f"{steps} per {self.per}"

    def least_above(self, per_second: float, accepts: Callable[[float], bool]) -> int:
        """Return the steps of the smallest accepted rate above this one; 0 if there is none.

        An accepted rate must stay accepted when it is raised.
        """
        low = high = int(per_second / self.step_per_s + _ROUNDED) + 1
        while not accepts(high * self.step_per_s):
            high *= 2
            if high * self.step_per_s > MAX_PER_SECOND:
                return 0
        return low + bisect_left(range(low, high), True, key=lambda steps: accepts(steps * self.step_per_s))


def grid_of(name: str, per_second: float) -> RateGrid:
    """Return the rates to propose for the limit `name` at this rate.

    >>> [grid_of(name, 0.2).per for name in ("global", "type:sync", "shopify-app")]
    ['/s', '', '1m']
    """
    if name == GLOBAL:
        return RateGrid(1, "/s")
    if ":" in name:
        return RateGrid(0.001, "")
    per, seconds = next(
        ((per, seconds) for per, seconds in _TIMES_S.items() if per_second * seconds >= _FINE),
        ("24h", 86_400),
    )
    return RateGrid(1 / seconds, per)


def raised(name: str, rate: str) -> str:
    """Return the sentence that raises the limit `name`."""
    if name == GLOBAL:
        return f"raise the limit to {rate}"
    own, colon, task_type = name.partition(":")
    return (
        f"raise rateLimit.perSecond of {task_type} to {rate}" if own and colon else f"raise {name} to {rate}"
    )
