"""Instants at which periods begin, by a look at every minute. All numbers are minutes since 1970-01-01 00:00 UTC."""

import numpy as np
from numpy.typing import NDArray

from tests.support.oracle.line import MINUTES_A_DAY, Line
from tests.support.oracle.wall import Wall

Minutes = NDArray[np.int64]

#: A change of the clock brings no two runs closer than this, or than the shortest distance within the line.
_CLOSEST = 60


def cron_starts(line: Line, wall: Wall) -> Minutes:
    """Return the starts while the clock is known; those of the first days may lack what was before."""
    named = np.outer(line.named_dates(*wall.dates), line.minutes).ravel()
    shows_named = wall.lookup(named)
    if line.every_hour:
        return wall.first + _kept(np.flatnonzero(shows_named), min(line.shortest, _CLOSEST))
    found = [np.flatnonzero(shows_named & wall.is_new)]
    for at, first_skipped in wall.jumps:
        first_time = wall.dates[0] * MINUTES_A_DAY
        times = np.flatnonzero(named[first_skipped - first_time : int(wall.shown[at]) - first_time])
        # The first at the jump, the rest at their distances from it.
        found.append(at + times - times[:1].sum())
    return wall.first + _kept(np.unique(np.concatenate(found)), min(line.shortest, _CLOSEST))


def interval_starts(interval: int, lo: int, hi: int) -> Minutes:
    """Return the multiples of an interval from lo on and before hi."""
    return lo + np.flatnonzero(np.arange(lo, hi) % interval == 0)


def _kept(starts: Minutes, closest: int) -> Minutes:
    """Leave out each start that is too close to the one before it that was kept."""
    kept = np.ones(len(starts), dtype=bool)
    for later in np.flatnonzero(np.diff(starts) < closest) + 1:
        earlier = later - 1
        while not kept[earlier]:
            earlier -= 1
        kept[later] = starts[later] - starts[earlier] >= closest
    return starts[kept]
