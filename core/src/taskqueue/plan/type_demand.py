"""The demand of a task type for forecast and feasibility: numbers of subscriptions instead of users.

Users in many zones are one demand, as places, windows and limits are the same for all of them: zones tell only when its
windows are. The subscriptions that chose another interval are a demand of their own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from taskqueue.models.duration import format_ms
from taskqueue.models.values import Exclusion, Priority, Schedule, TaskType
from taskqueue.plan.schedule import shortest_gap_s
from taskqueue.plan.variants import follows_users, in_zone, intervals


@dataclass(frozen=True, slots=True)
class TypeDemand:
    """One task type at one interval, and the number of its subscriptions that are not suspended.

    cost: slots of the global limit a start takes.   per_second: the limit of the type, in cost-weighted starts
    a second.   life_s: from due to deadline; None stands for the period.
    limits: names of the limits that its jobs take from.   zones: subscriptions in each zone of users, where the
    schedule has none; empty: all in UTC.   chosen_s: the interval that the subscriptions chose, in place of the
    type's own, own_interval_s.
    """

    type: str
    schedule: Schedule
    subscriptions: int
    cost: int = 1
    per_second: float | None = None
    life_s: float | None = None
    limits: tuple[str, ...] = ()
    priority: Priority = Priority.NORMAL
    zones: tuple[tuple[str, int], ...] = ()
    chosen_s: int | None = None
    own_interval_s: int | None = None
    exclude: tuple[Exclusion, ...] = ()

    @classmethod
    def of(cls, task_type: TaskType, counts: Mapping[str, int]) -> list[Self]:
        """Return the demand of a task type, then that of each interval that subscriptions chose.

        counts: subscriptions by variant (`variants.variant_name`).
        """
        schedule = task_type.schedule
        zones = [(name or "UTC", number) for name, number in sorted(counts.items()) if number]
        own = cls(
            task_type.name,
            replace(schedule, intervals_s=()),
            sum(counts.values()) if follows_users(schedule) else counts.get("", 0),
            task_type.cost,
            task_type.rate_limit.per_second,
            life_s=None if task_type.starting_deadline_ms is None else task_type.starting_deadline_ms / 1000,
            limits=task_type.limits,
            priority=task_type.priority,
            zones=tuple(zones) if follows_users(schedule) else (),
            exclude=task_type.exclude,
        )
        counted = [(one, counts.get(str(one.interval_s), 0)) for one in intervals(schedule)]
        return [own, *(own.choosing(one, number) for one, number in counted if number)]

    def choosing(self, schedule: Schedule, subscriptions: int) -> Self:
        """Return the demand of the subscriptions that chose the interval of this schedule."""
        return replace(
            self,
            schedule=schedule,
            subscriptions=subscriptions,
            chosen_s=schedule.interval_s,
            own_interval_s=self.schedule.interval_s,
        )

    @property
    def name(self) -> str:
        """Return the type, and the interval that its subscriptions chose."""
        return demand_name(self.type, self.chosen_s) if self.chosen_s else self.type

    @property
    def slots(self) -> int:
        """Return the slots that all its subscriptions take in one period."""
        return self.subscriptions * self.cost

    @property
    def patience_s(self) -> float:
        """Return the longest time for which a job may wait for its start. Raises ScheduleError."""
        return shortest_gap_s(self.schedule) if self.life_s is None else self.life_s

    def by_zone(self) -> list[tuple[Schedule, float]]:
        """Return the schedule in each zone, and the slots of one period there. Raises ScheduleError."""
        if not self.zones:
            return [(in_zone(self.schedule, "UTC"), self.slots)]
        slots_each = self.slots / sum(number for _, number in self.zones)
        return [(in_zone(self.schedule, zone), slots_each * number) for zone, number in self.zones]


def slots_by_schedule(
    demands: Iterable[TypeDemand],
) -> Mapping[tuple[Schedule, tuple[Exclusion, ...]], float]:
    """Return the slots of one period under each schedule and its exclusions, each zone by itself.

    Raises ScheduleError.
    """
    slots: defaultdict[tuple[Schedule, tuple[Exclusion, ...]], float] = defaultdict(float)
    for demand in demands:
        for schedule, wanted in demand.by_zone():
            slots[schedule, demand.exclude] += wanted
    return slots


def demand_name(task_type: str, interval_s: int | None) -> str:
    """Return the name of the demand of the subscriptions that chose this interval; None: of all others.

    >>> demand_name("sync", None), demand_name("sync", 300)
    ('sync', 'sync every 5m')
    """
    return task_type if interval_s is None else f"{task_type} every {format_ms(interval_s * 1000)}"
