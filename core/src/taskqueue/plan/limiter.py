"""The spacing of starts under a limit, a little wider than 1 / rate, and the next start that a limit has left.

The only place of the slack: the scripts get these constants from here (`taskqueue.store.script`).
"""

import math
from dataclasses import dataclass

#: Starts of the global limit are STRETCH / rate seconds apart. The 1.5 % above 1 / rate pay for 15 ms between a start
#: and its arrival: any rate + 1 starts take at least 1.015 s, and their arrivals more than 1 s.
STRETCH = 1.015

#: Starts under a limit within another one, as those of types and users are, are this many times 1 / limit apart: 2 %
#: pay for 10 ms of tolerance, by which such a limit uses slots of the outer limit's grid, and 10 ms between a start and
#: its arrival.
OWN_STRETCH = 1.02
#: The most of that tolerance: a start may be this much earlier than the spacing of its limit allows, where the slots of
#: the limits around it are as far apart.
TOLERANCE_US = 10_000

#: A bucket pays for the way from its starts to their arrivals once, by this.
BUCKET_SLACK_US = 15_000

#: No start is reserved further ahead.
HORIZON_US = 250_000

#: A job that starts later after its slot than this gives the slot up: half of the slack of a second. The other half is
#: for the time between the start and its arrival.
LATE_S = (STRETCH - 1) / 2


def stretch(*, is_within: bool) -> float:
    """Return how many times 1 / rate starts are apart, under a limit within another one or on its own.

    >>> stretch(is_within=False), stretch(is_within=True)
    (1.015, 1.02)
    """
    return OWN_STRETCH if is_within else STRETCH


def tolerance_us(grid_us: float, spacing_us: float = math.inf) -> float:
    """Return by how much a start may come early, within limits whose slots are this far apart.

    One step of that grid at most: a start that waits for the grid then keeps the rate. And one spacing of the limit's
    own at most: a limit faster than the grid needs no more.

    >>> tolerance_us(10_150, 27_600), tolerance_us(10_150, 1_020)
    (10000, 1020)
    """
    return min(grid_us, spacing_us, TOLERANCE_US)


def own_spacing_us(limit: float | None) -> int:
    """Return the microseconds between starts under the limit of a type or a user (starts a second); 0 without one.

    >>> own_spacing_us(0.5), own_spacing_us(None)
    (2040000, 0)
    """
    return math.ceil(OWN_STRETCH * 1e6 / limit) if limit else 0


@dataclass(frozen=True, slots=True)
class Bucket:
    """The values of a limit, and its TAT: the end of the starts that it has given out, epoch us.

    grid_us: time between the starts of the slowest limit around it; 0 without one.   max_cost: the highest cost of a
    job so far.
    """

    per_second: float
    burst: int
    tat_us: float
    grid_us: float = 0.0
    max_cost: int = 1

    @property
    def spacing_us(self) -> float:
        """Return the time that a start takes."""
        return stretch(is_within=self.grid_us > 0) * 1e6 / self.per_second

    def free_us(self, now_us: int, cost: int = 1) -> int:
        """Return when a job of this cost can start, as scripts/lib/paths.lua does; in the past: it could have then.

        >>> Bucket(2.0, burst=1, tat_us=1_500_000, grid_us=6_800).free_us(1_000_000)
        1493200
        >>> Bucket(2.0, burst=40, tat_us=1_500_000).free_us(1_000_000) < 0
        True
        """
        # A TAT further ahead is of a slower rate, and no longer holds.
        last_us = now_us + HORIZON_US + max(self.burst, self.max_cost) * self.spacing_us
        ahead_us = tolerance_us(self.grid_us, self.spacing_us)
        if self.burst > cost:
            ahead_us = max(ahead_us, (self.burst - cost) * self.spacing_us - BUCKET_SLACK_US)
        return math.ceil(min(self.tat_us, last_us) - ahead_us)
