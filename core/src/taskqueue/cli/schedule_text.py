"""A schedule in words."""

from taskqueue.models.duration import format_ms
from taskqueue.models.offered_intervals import offered_intervals
from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import window_s


def schedule_text(schedule: Schedule) -> str:
    """Return a schedule in words, with its window where the window is shorter than the interval."""
    window = window_s(schedule)
    if schedule.interval_s is None:
        text = f"{schedule.cron} {schedule.time_zone or 'in the zone of each user'}"
    else:
        every = " or ".join(format_ms(interval_s * 1000) for interval_s in offered_intervals(schedule))
        text = f"every {every}"
        if window == schedule.interval_s:
            return text
    return f"{text}, within {format_ms(window * 1000)}"
