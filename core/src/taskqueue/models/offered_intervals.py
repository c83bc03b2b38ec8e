"""The intervals that a task type offers, and the refusal of a task that names another one."""

from collections.abc import Mapping, Sequence

from taskqueue.models.duration import format_ms
from taskqueue.models.refusal import ValueRefusedError, must_be
from taskqueue.models.values import Schedule, TaskType, UserSubscription


def offered_intervals(schedule: Schedule) -> tuple[int, ...]:
    """Return the intervals in s: the type's own, then those that a subscription may choose; none with cron."""
    return () if schedule.interval_s is None else (schedule.interval_s, *schedule.intervals_s)


def find_not_offered(user: UserSubscription, types: Mapping[str, TaskType]) -> dict[str, int]:
    """Return the intervals in s that the user's tasks name and their types do not offer, by type."""
    return {
        task.type: task.interval_s
        for task in user.tasks
        if task.interval_s is not None
        and task.type in types
        and task.interval_s not in offered_intervals(types[task.type].schedule)
    }


def refuse_interval(task_type: str, offered: Sequence[int], interval_s: int) -> ValueRefusedError:
    """Make the error for an interval that the type does not offer. offered: by its type, s.

    >>> str(refuse_interval("fetch-orders", (3600, 60), 300))
    'interval must be 1h or 1m, which the task type fetch-orders offers (was "5m")'
    >>> str(refuse_interval("send-report", (), 300))
    'remove interval: the task type send-report runs by cron (was "5m")'
    """
    written = format_ms(interval_s * 1000)
    if not offered:
        return ValueRefusedError(f'remove interval: the task type {task_type} runs by cron (was "{written}")')
    names = " or ".join(format_ms(one * 1000) for one in offered)
    return ValueRefusedError(
        f"interval {must_be(f'{names}, which the task type {task_type} offers', written)}"
    )


def run_at_own(task_type: TaskType, interval_s: int) -> str:
    """Return the refusal with what happens in spite of it: the task runs at the type's own schedule."""
    offered = offered_intervals(task_type.schedule)
    refusal = refuse_interval(task_type.name, offered, interval_s)
    return f"{refusal}, so the task runs every {format_ms(offered[0] * 1000)}" if offered else str(refusal)
