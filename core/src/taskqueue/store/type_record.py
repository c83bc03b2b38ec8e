"""Records of task types: a type, and the generations of its schedule.

A change of schedule never edits a generation: a new one is dealt next to it and takes over at an instant.
The record's first line is for scripts (see scripts/lib/types.lua), the rest is JSON.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from taskqueue.models.exclusion import LAST_DAY
from taskqueue.models.identity import NAME_PATTERN
from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND
from taskqueue.models.values import Exclusion, Schedule, TaskType
from taskqueue.plan.cron import DAY_S
from taskqueue.plan.lanes import lane_of
from taskqueue.plan.limiter import own_spacing_us
from taskqueue.plan.schedule import window_s
from taskqueue.plan.segment import Segment
from taskqueue.plan.spread import spread_classes, stride
from taskqueue.plan.variants import variants
from taskqueue.store.scalars import MAX_GENERATIONS

_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, slots=True)
class Generation:
    """One dealing of a type's subscriptions: it emits the occurrences from_s <= occurrence < until_s (epoch s)."""

    number: int
    schedule: Schedule
    from_s: int = 0
    until_s: int | None = None


@dataclass(frozen=True, slots=True)
class TypeRecord:
    """A task type in the store. active: generations that emit jobs. building: a generation that will take over."""

    task_type: TaskType
    active: tuple[Generation, ...]
    building: Generation | None = None
    removed: bool = False

    @property
    def newest(self) -> Generation | None:
        """Return the generation to which new subscriptions are dealt; None for a removed type."""
        if self.removed:
            return None
        return self.building or self.active[-1]

    @property
    def generations(self) -> tuple[Generation, ...]:
        """Return every generation that may have members."""
        return (*self.active, *((self.building,) if self.building else ()))

    def segments(self, numbers: Mapping[str, int]) -> list[Segment]:
        """Return the segments of the plan; none while the type is suspended or being removed.

        numbers: of the variants in use, by name.
        """
        task_type = self.task_type
        if task_type.suspend or self.removed:
            return []
        return [
            Segment(
                type=task_type.name,
                generation=one.number,
                schedule=schedule,
                priority=task_type.priority,
                catch_up=task_type.catch_up,
                starting_deadline_ms=task_type.starting_deadline_ms,
                from_s=one.from_s,
                until_s=one.until_s,
                variant=variant,
                exclude=task_type.exclude,
            )
            for one in self.active
            for variant, schedule in variants(one.schedule, numbers)
        ]


def _line(record: TypeRecord) -> str:
    task_type, newest = record.task_type, record.newest
    return "|".join(
        str(field)
        for field in (
            lane_of(task_type.priority),
            task_type.cost,
            task_type.concurrency_policy.value,
            own_spacing_us(task_type.rate_limit.per_second),
            int(task_type.suspend or record.removed),
            newest.number if newest else 0,
            ";".join(f"{one.number}={_classes(one.schedule)}" for one in record.generations),
            ";".join(task_type.limits),
            task_type.suspend_after or 0,
            task_type.retry_suspended_after_ms if task_type.suspend_after else 0,
        )
    )


def _classes(schedule: Schedule) -> str:
    """Return the classes of a generation as scripts read them (scripts/lib/generations.lua)."""
    return "&".join(
        f"{one.name}~{stride(one.window_s)}~{one.rotation_ms}" for one in spread_classes(schedule)
    )


def encode_record(record: TypeRecord) -> str:
    return _line(record) + "\n" + msgspec.json.encode(record).decode()


def decode_record(value: bytes) -> TypeRecord:
    """Read the JSON of a record. Raises ValueError."""
    return msgspec.json.decode(value.partition(b"\n")[2], type=TypeRecord)


@lru_cache(maxsize=1_024)
def read_type(name: bytes, value: bytes) -> tuple[TypeRecord, bool]:
    """Read a record that a schedule can follow, and whether its line for scripts matches it.

    The cache serves processes that read all records every second, mostly unchanged. Raises any error of UNREADABLE.
    """
    record = decode_record(value)
    task_type, numbers = record.task_type, [one.number for one in record.generations]
    if task_type.name.encode() != name or not _NAME.fullmatch(task_type.name):
        raise ValueError(task_type.name)
    if len(numbers) != len(set(numbers)) or min(numbers, default=0) < 1 or max(numbers) > MAX_GENERATIONS:
        raise ValueError(numbers)
    for schedule in (task_type.schedule, *(one.schedule for one in record.generations)):
        if (schedule.interval_s is None) == (schedule.cron is None) or min(_lengths(schedule), default=1) < 1:
            raise ValueError(schedule)
        window_s(schedule)  # a cron expression that cannot be read
    if not all(map(_exists, task_type.exclude)):
        raise ValueError(task_type.exclude)
    limit = task_type.rate_limit.per_second
    if min(task_type.cost, task_type.timeout_ms) < 1 or not (
        limit is None or MIN_PER_SECOND <= limit <= MAX_PER_SECOND
    ):
        raise ValueError(task_type.name)
    ours = _line(record).encode()
    line = value.partition(b"\n")[0]
    return record, line == ours or line.startswith(ours + b"|")  # another version may add fields


def _exists(one: Exclusion) -> bool:
    """Tell whether the dates and times of an exclusion exist."""
    return all(0 <= day <= LAST_DAY for dates in one.dates for day in dates) and all(
        0 <= time_s <= DAY_S for time_s in one.daily_s or ()
    )


def _lengths(schedule: Schedule) -> list[int]:
    lengths = (schedule.interval_s, schedule.window_s, *schedule.intervals_s)
    return [length for length in lengths if length is not None]
