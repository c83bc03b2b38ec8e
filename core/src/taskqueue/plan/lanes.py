"""The lanes of the queue, and the share of the starts that each one has while all of them are busy.

The only place of their names and weights: scripts get LANES and TURNS from here (`taskqueue.store.script`).
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from taskqueue.models.values import Priority


class Lane(StrEnum):
    """Where a job waits, in order of precedence. BACKFILL holds jobs that are overdue, of any priority."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    BACKFILL = "backfill"


#: Starts of each lane out of sum(WEIGHTS) while all lanes have due jobs; an empty lane yields to the others.
WEIGHTS: Mapping[Lane, int] = {Lane.HIGH: 8, Lane.NORMAL: 4, Lane.LOW: 2, Lane.BACKFILL: 1}

_LANES: Mapping[Priority, Lane] = {
    Priority.HIGH: Lane.HIGH,
    Priority.NORMAL: Lane.NORMAL,
    Priority.LOW: Lane.LOW,
}


def lane_of(priority: Priority, *, overdue: bool = False) -> Lane:
    """Return the lane of a job.

    >>> lane_of(Priority.HIGH), lane_of(Priority.HIGH, overdue=True)
    (<Lane.HIGH: 'high'>, <Lane.BACKFILL: 'backfill'>)
    """
    return Lane.BACKFILL if overdue else _LANES[priority]


def turns() -> Iterator[Lane]:
    """Yield the lanes in the order in which they start jobs, one round: smooth weighted round-robin, as in nginx.

    Every lane gains its weight at each step; the lane that has most starts a job and pays the sum of all weights.

    >>> [lane.value[0] for lane in turns()]
    ['h', 'n', 'h', 'l', 'h', 'n', 'h', 'b', 'h', 'n', 'h', 'l', 'h', 'n', 'h']
    """
    total = sum(WEIGHTS.values())
    gained = dict.fromkeys(WEIGHTS, 0)
    for _ in range(total):
        for lane, weight in WEIGHTS.items():
            gained[lane] += weight
        lane = max(gained, key=lambda lane: gained[lane])
        gained[lane] -= total
        yield lane
