"""The two records that pass between plan, store and scheduler."""

from dataclasses import dataclass
from typing import NamedTuple

from taskqueue.models.values import CatchUp, Exclusion, Priority, Schedule


@dataclass(frozen=True, slots=True)
class Segment:
    """One variant of a generation of a type's schedule: occurrences with from_s <= occurrence < until_s (epoch s).

    A type has one generation, or two while a changed schedule takes over from the old one.
    """

    type: str
    generation: int
    schedule: Schedule
    priority: Priority = Priority.NORMAL
    catch_up: CatchUp = CatchUp.LATEST
    starting_deadline_ms: int | None = None
    from_s: int = 0
    until_s: int | None = None
    variant: int = 0
    exclude: tuple[Exclusion, ...] = ()

    def life_ms(self, start_s: int, next_s: int) -> int:
        """Return the time from a due to its deadline, 0 for none.   next_s: the start of the next due's period."""
        if self.starting_deadline_ms is not None:
            return self.starting_deadline_ms
        return 0 if self.catch_up is CatchUp.ALL else (next_s - start_s) * 1000


class DueRange(NamedTuple):
    """The subscriptions of one type and variant whose offset lies in [offset_lo_ms, offset_hi_ms] (inclusive).

    Their due is occurrence_s * 1000 + offset. `missed` or `excluded` n > 0 only counts them, n times.
    life_ms: from due to deadline, 0 for no deadline. overdue: goes to the backfill lane.
    """

    type: str
    generation: int
    offset_lo_ms: int
    offset_hi_ms: int
    occurrence_s: int
    life_ms: int
    priority: Priority
    overdue: bool = False
    missed: int = 0
    excluded: int = 0
    variant: int = 0
