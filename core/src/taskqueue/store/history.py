"""history: starts by lateness and outcomes of each type, a minute at a time, kept for 72 hours.

Workers count and flush. A key holds an hour of a type: minute -> counters, as MessagePack. Most counters are zero:
those that often are stand last, and zeros at the end are left out (docs/performance.md has the memory).
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Annotated, NamedTuple

import msgspec

from taskqueue.models.outcome import Outcome
from taskqueue.store.command import hgetall
from taskqueue.store.connection import Store
from taskqueue.store.malformed import UNREADABLE, location_of
from taskqueue.store.script import Script
from taskqueue.store.wire import pack, shaped

#: Upper bounds of the classes of lateness but the last, which has none.
LATENESS_BOUNDS_MS = (10, 50, 200, 1_000, 10_000, 60_000, 600_000)
KEEP_HOURS = 72
MINUTES_PER_HOUR = 60
MINUTE_MS = 60_000
#: Minutes of types that one call adds: half a millisecond of the server's time.
MAX_MINUTES = 50
#: Keys that one round trip reads.
_BATCH_KEYS = 100
#: First starts by lateness, and starts of later attempts.
STARTS = len(LATENESS_BOUNDS_MS) + 2
_WIDTH = STARTS + len(Outcome)
_AT = {outcome: STARTS + at for at, outcome in enumerate(Outcome)}
#: The order of the counters in the store, as positions in starts and outcomes. New ones go to the end.
ORDER = (
    *(_AT[Outcome.DONE], 0, 1, 2, STARTS - 1, _AT[Outcome.RETRIED], 3, 4),
    *(_AT[Outcome.LATE], _AT[Outcome.DEAD], _AT[Outcome.LIMITED], 5, 6, 7),
    *(_AT[outcome] for outcome in (Outcome.NO_THREAD, Outcome.INTERRUPTED, Outcome.RETURNED, Outcome.LOST)),
)

_HISTORY = Script("history", shaped(int))
_Counter = Annotated[int, msgspec.Meta(ge=0)]
_counters = msgspec.msgpack.Decoder(Annotated[list[_Counter], msgspec.Meta(max_length=_WIDTH)]).decode
#: A day of 300 types is 432,000 minutes: a look-up costs a third of reading a number.
_MINUTES = {str(minute).encode(): minute for minute in range(MINUTES_PER_HOUR)}
_IS_START = [at < STARTS for at in ORDER]

#: Counters of the store, in its order, zeros at the end left out.
Counters = Sequence[int]
#: A type, a minute since 1970, and its counters.
Counted = tuple[str, int, Counters]


class Counts(NamedTuple):
    """Counts of a type. starts: by lateness, then those of later attempts. outcomes: as `Outcome` lists them.

    A job that waits for a limit and starts again, or whose worker ended first, counts as often as it started.
    """

    starts: Sequence[int]
    outcomes: Sequence[int]


def to_counters(counts: Counts) -> list[int]:
    """Return the counters of the store.

    >>> to_counters(Counts([7, 1, 0, 0, 0, 0, 0, 0, 0], [8, 0, 0, 0, 0, 0, 0, 0, 0]))
    [8, 7, 1]
    """
    both = (*counts.starts, *counts.outcomes)
    counters = [both[at] for at in ORDER]
    while counters and not counters[-1]:
        counters.pop()
    return counters


def to_counts(counters: Counters) -> Counts:
    """Return the counts that the counters of the store stand for.

    >>> to_counts([8, 7, 1]).outcomes
    [8, 0, 0, 0, 0, 0, 0, 0, 0]
    """
    both = [0] * _WIDTH
    for at, counter in zip(ORDER, counters, strict=False):
        both[at] = counter
    return Counts(both[:STARTS], both[STARTS:])


def sum_starts(counters: Counters) -> int:
    """Return the number of starts, in a tenth of the time of `to_counts`.

    >>> sum_starts([8, 7, 1])
    8
    """
    return sum(compress(counters, _IS_START))


async def count(store: Store, worker: str, number: int, counted: Sequence[Counted]) -> bool:
    """Add at most MAX_MINUTES counts of a worker, once. Returns False if a call of this number was counted before."""
    return await store.run(_HISTORY, worker, number, pack(counted)) == 1


async def read_hours(store: Store, hours: Sequence[tuple[str, int]]) -> list[dict[int, Counters]]:
    """Read hours since 1970 of types: for each the counters by minute since 1970; empty where nothing was counted."""
    found: list[dict[int, Counters]] = []
    for first in range(0, len(hours), _BATCH_KEYS):
        batch = hours[first : first + _BATCH_KEYS]
        keys = [hgetall(store.keys.history(task_type, hour)) for task_type, hour in batch]
        for (task_type, hour), rows in zip(batch, await store.read_all(keys), strict=True):
            try:
                read = {_MINUTES[field]: _counters(value) for field, value in rows.items()}
            except UNREADABLE:
                read = _readable(store, f"history:{task_type}:{hour}", rows)
            first_minute = hour * MINUTES_PER_HOUR
            found.append({first_minute + minute: counters for minute, counters in read.items()})
    return found


def _readable(store: Store, name: str, rows: Mapping[bytes, bytes]) -> dict[int, list[int]]:
    """Return the minutes of an hour that can be read; the others are noted."""
    read = [
        store.malformed.read(location_of(name, field), partial(read_minute, field, value))
        for field, value in rows.items()
    ]
    return dict(one for one in read if one)


def read_minute(field: bytes, value: bytes) -> tuple[int, list[int]]:
    """Read the minute of an hour, and its counters. Raises any error of UNREADABLE."""
    if field not in _MINUTES:
        raise ValueError(field)
    return _MINUTES[field], _counters(value)
