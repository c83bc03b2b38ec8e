"""A schedule in words."""

from collections.abc import Iterable
from datetime import date, timedelta

from taskqueue.models.duration import format_ms
from taskqueue.models.offered_intervals import offered_intervals
from taskqueue.models.values import Exclusion, Schedule
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


def exclude_texts(exclude: Iterable[Exclusion]) -> list[str]:
    """Return exclusions as people write them.

    >>> exclude_texts([Exclusion(dates=((0, 0), (1, 31))), Exclusion(daily_s=(79_200, 21_600))])
    ['1970-01-01, 1970-01-02/1970-02-01', '22:00 to 06:00']
    """
    texts = []
    for one in exclude:
        dates = (
            _date(first) if first == last else f"{_date(first)}/{_date(last)}" for first, last in one.dates
        )
        texts.append(", ".join([*one.weekdays, *dates]) or " to ".join(map(_time, one.daily_s or ())))
    return texts


def _date(day: int) -> str:
    return str(date(1970, 1, 1) + timedelta(day))


def _time(time_s: int) -> str:
    return f"{time_s // 3_600:02}:{time_s // 60 % 60:02}"
