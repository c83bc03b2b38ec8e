"""Tallies: counts of starts and outcomes by type, for the history and the metrics. A start costs 0.4 us."""

from bisect import bisect_left

from taskqueue.models.outcome import Outcome
from taskqueue.store.history import LATENESS_BOUNDS_MS, STARTS, Counters, Counts, to_counters

#: Fine where quantiles are wanted: idle a job waits for less than 15 ms, at 80 % of the limit for up to 150 ms.
BOUNDS_S = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 1, 3, 10, 60, 600),
)
#: For each of these classes, and the one without a bound, its class in the history.
_CLASSES = (
    *(bisect_left(LATENESS_BOUNDS_MS, bound_s * 1000) for bound_s in BOUNDS_S),
    len(LATENESS_BOUNDS_MS),
)
_AGAIN = STARTS - 1


class Lateness:
    """Lateness of the first attempts of all types in this process: a class for each of BOUNDS_S, and one more."""

    def __init__(self) -> None:
        self.starts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0


class Tally:
    """Counts of one type in this process. outcomes: so far; starts: by lateness, in the classes of the history."""

    __slots__ = ("_lateness", "_taken", "outcomes", "starts")

    def __init__(self, lateness: Lateness | None = None) -> None:
        self._lateness = lateness or Lateness()
        self.outcomes = dict.fromkeys(Outcome, 0)
        self.starts = [0] * STARTS
        self._taken = [0] * (STARTS + len(self.outcomes))

    def start(self, late_s: float) -> None:
        """Count a first attempt that starts so long after its due."""
        at = bisect_left(BOUNDS_S, late_s)
        self._lateness.starts[at] += 1
        self._lateness.sum_s += late_s
        self.starts[_CLASSES[at]] += 1

    def start_again(self) -> None:
        """Count the start of a later attempt."""
        self.starts[_AGAIN] += 1

    def take(self) -> Counters:
        """Return the counts since the last call; empty if there are none."""
        counted = [*self.starts, *self.outcomes.values()]
        if counted == self._taken:
            return ()
        new = [now - before for now, before in zip(counted, self._taken, strict=True)]
        self._taken = counted
        return to_counters(Counts(new[:STARTS], new[STARTS:]))
