"""A schedule as one reads it aloud."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskqueue.models.values import Schedule


def schedule_text(schedule: "Schedule") -> str:
    """Write a schedule, and its window where that is not the whole interval."""
    from taskqueue.models.duration import format_ms  # noqa: PLC0415 - slow
    from taskqueue.plan.schedule import window_s  # noqa: PLC0415 - slow

    window = window_s(schedule)
    if schedule.interval_s is None:
        text = f"{schedule.cron} {schedule.time_zone}"
    elif window == schedule.interval_s:
        return f"every {format_ms(schedule.interval_s * 1000)}"
    else:
        text = f"every {format_ms(schedule.interval_s * 1000)}"
    return f"{text}, within {format_ms(window * 1000)}"
