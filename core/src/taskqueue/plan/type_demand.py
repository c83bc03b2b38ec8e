"""The demand of a task type for forecast and feasibility: numbers of subscriptions instead of users."""

from dataclasses import dataclass
from typing import Self

from taskqueue.models.values import Priority, Schedule, TaskType
from taskqueue.plan.schedule import shortest_gap_s


@dataclass(frozen=True, slots=True)
class TypeDemand:
    """One task type and the number of its subscriptions that are not suspended.

    cost: slots of the global limit a start takes.   per_second: the limit of the type, in cost-weighted starts
    a second.   life_s: from due to deadline; None stands for the period.
    limits: names of the limits that its jobs take from.
    """

    type: str
    schedule: Schedule
    subscriptions: int
    cost: int = 1
    per_second: float | None = None
    life_s: float | None = None
    limits: tuple[str, ...] = ()
    priority: Priority = Priority.NORMAL

    @classmethod
    def of(cls, task_type: TaskType, subscriptions: int) -> Self:
        """Return the demand of a task type with this number of subscriptions."""
        return cls(
            task_type.name,
            task_type.schedule,
            subscriptions,
            task_type.cost,
            task_type.rate_limit.per_second,
            life_s=None if task_type.starting_deadline_ms is None else task_type.starting_deadline_ms / 1000,
            limits=task_type.limits,
            priority=task_type.priority,
        )

    @property
    def slots(self) -> int:
        """Return the slots that all its subscriptions take in one period."""
        return self.subscriptions * self.cost

    @property
    def patience_s(self) -> float:
        """Return the longest time for which a job may wait for its start. Raises ScheduleError."""
        return shortest_gap_s(self.schedule) if self.life_s is None else self.life_s
