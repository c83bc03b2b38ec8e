"""Adapts how far ahead a worker takes slots of the limit to how well it keeps them.

A slot that its worker misses is lost for everybody. A worker whose loop was late lately, be it for want of a processor
or for a handler that blocks, takes few slots and soon ones, so that other workers get the rest.
"""

#: Bounds of how far ahead (s). More than the upper one wins nothing, as calls take milliseconds.
REACH_MIN_S, REACH_MAX_S = 0.01, 0.1
#: Factors after a start that missed its slot, and after one in time. They balance where one start in twenty is late.
_SHRINK, _GROW = 0.7, 1.02


class Reach:
    """seconds: how far ahead to take slots."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = REACH_MAX_S

    def saw(self, *, in_time: bool) -> None:
        """Learn from one slot."""
        if not in_time:
            self.seconds = max(REACH_MIN_S, self.seconds * _SHRINK)
        elif self.seconds < REACH_MAX_S:
            self.seconds = min(REACH_MAX_S, self.seconds * _GROW)

    def jobs(self, rate: float) -> float:
        """Return how many jobs a call may take; rate: of the limit, a second."""
        return float("inf") if self.seconds >= REACH_MAX_S else max(1, int(rate * self.seconds))
