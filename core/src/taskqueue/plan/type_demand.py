"""What a task type asks for, as forecast and feasibility see it: numbers instead of users."""

from dataclasses import dataclass
from typing import Self

from taskqueue.models.values import Schedule, TaskType


@dataclass(frozen=True, slots=True)
class TypeDemand:
    """One task type with all its subscriptions. Suspended ones are left out by whoever counts.

    cost: slots of the global limit a start takes.   per_second, per_user_per_second: the narrow limits, in
    cost-weighted starts a second.   life_s: from due to deadline; None stands for the period.
    """

    type: str
    schedule: Schedule
    subscriptions: int
    cost: int = 1
    per_second: float | None = None
    per_user_per_second: float | None = None
    life_s: float | None = None

    @classmethod
    def of(cls, spec: TaskType, subscriptions: int) -> Self:
        """What a task type with so many subscriptions asks for."""
        return cls(
            spec.name,
            spec.schedule,
            subscriptions,
            spec.cost,
            spec.rate_limit.per_second,
            spec.rate_limit.per_user_per_second,
            None if spec.starting_deadline_ms is None else spec.starting_deadline_ms / 1000,
        )

    @property
    def slots(self) -> int:
        """The slots all its subscriptions take together in one period."""
        return self.subscriptions * self.cost
