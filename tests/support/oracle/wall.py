"""The clock on a wall, minute by minute, over a span of years. All numbers are minutes since 1970-01-01 00:00."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tests.support.oracle.line import MINUTES_A_DAY, Flags

#: A span is looked at from so long before it: a clock that was put back then shows times again.
_BEFORE = 14 * MINUTES_A_DAY
_HOUR = 60


@dataclass(frozen=True, slots=True)
class Wall:
    """A zone's clock.

    first: the instant of the first minute.   shown: the time shown at each minute.   dates: the first and the last one,
    days since 1970-01-01.   is_new: whether the time is shown for the first time.   jumps: numbers of minutes before
    which times were skipped, each with the first of these times.
    """

    zone: str
    first: int
    shown: NDArray[np.int32]
    is_new: Flags
    jumps: list[tuple[int, int]]
    dates: tuple[int, int]

    def lookup(self, flags: Flags) -> Flags:
        """Return for each minute the flag of the time that is shown, given those of all minutes of all `dates`."""
        return flags[self.shown - self.dates[0] * MINUTES_A_DAY]


@lru_cache(maxsize=2)
def wall(zone: str, lo: int, hi: int) -> Wall:
    """Return the clock from two weeks before lo to hi."""
    folder, _, name = f"zoneinfo/{zone}".rpartition("/")
    with files("tzdata").joinpath(folder, name).open("rb") as file:
        known = ZoneInfo.from_file(file)
    first = lo - _BEFORE
    shown = np.arange(first, hi, dtype=np.int32) + _offsets(known, first, hi)
    highest = np.maximum.accumulate(shown)
    is_new = np.concatenate(([True], shown[1:] > highest[:-1]))
    jumps = np.flatnonzero(shown[1:] > highest[:-1] + 1) + 1
    dates = int(shown.min()) // MINUTES_A_DAY, int(shown.max()) // MINUTES_A_DAY
    return Wall(zone, first, shown, is_new, [(int(at), int(highest[at - 1]) + 1) for at in jumps], dates)


def _offsets(zone: ZoneInfo, first: int, last: int) -> NDArray[np.int32]:
    """Return the offset of each minute. No zone changes it there and back within an hour."""
    found = np.empty(last - first, dtype=np.int32)
    hours = [(at, _offset(zone, at)) for at in (*range(first, last, _HOUR), last)]
    for (start, before), (end, after) in pairwise(hours):
        found[start - first : end - first] = before
        if before != after:
            found[start - first : end - first] = [_offset(zone, at) for at in range(start, end)]
    return found


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant * 60, UTC).astimezone(zone).utcoffset()
    assert offset is not None
    minutes, rest = divmod(offset.total_seconds(), 60)
    assert rest == 0, f"{zone} has seconds in its offset"
    return int(minutes)
