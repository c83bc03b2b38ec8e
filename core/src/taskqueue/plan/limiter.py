"""The spacing of starts under a limit: GCRA with burst 1, a little wider than 1 / rate.

The only place of the slack: the limiter's script gets STRETCH from here (`taskqueue.store.script`).
"""

import math

#: Starts of the global limit are STRETCH / rate seconds apart. The 1.5 % above 1 / rate pay for 15 ms between a start
#: and its arrival: any rate + 1 starts take at least 1.015 s, and their arrivals more than 1 s.
STRETCH = 1.015

#: Starts under a limit within another one, as those of types and users are, are this many times 1 / limit apart: 2 %
#: pay for 10 ms of tolerance, by which such a limit uses slots of the outer limit's grid, and 10 ms between a start and
#: its arrival.
OWN_STRETCH = 1.02
#: That tolerance, seconds: a start may be this much earlier than the spacing of its limit allows.
TOLERANCE_S = 0.01

#: A job that starts later after its slot than this gives the slot up: half of the slack of a second. The other half is
#: for the time between the start and its arrival.
LATE_S = (STRETCH - 1) / 2


def stretch(*, is_within: bool) -> float:
    """Return how many times 1 / rate starts are apart, under a limit within another one or on its own.

    >>> stretch(is_within=False), stretch(is_within=True)
    (1.015, 1.02)
    """
    return OWN_STRETCH if is_within else STRETCH


def own_spacing_us(limit: float | None) -> int:
    """Return the microseconds between starts under the limit of a type or a user (starts a second); 0 without one.

    >>> own_spacing_us(0.5), own_spacing_us(None)
    (2040000, 0)
    """
    return math.ceil(OWN_STRETCH * 1e6 / limit) if limit else 0
