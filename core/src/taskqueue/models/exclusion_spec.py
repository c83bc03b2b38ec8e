"""The exclusions of a TaskType's schedule, as people write them."""

from typing import Annotated

from pydantic import Field

from taskqueue.models import values
from taskqueue.models.exclusion import parse_dates, time_s
from taskqueue.models.fields import Dates, TimeFrom, TimeTo
from taskqueue.models.part import Part

MAX_EXCLUSIONS = 50
MAX_DATES = 50


class DailySpec(Part):
    """A part of each day."""

    start: TimeFrom = Field(alias="from", description='Time of day, on the wall, such as "22:00".')
    end: TimeTo = Field(
        alias="to",
        description='Time of day at which runs begin again, such as "06:00", or "24:00". '
        "One that is before from is on the following day.",
    )


class ExclusionSpec(Part):
    """Time without runs: exactly one of weekdays, dates and daily."""

    weekdays: list[Annotated[values.Weekday, Field(strict=False)]] = Field(
        default=[],
        max_length=len(values.Weekday),
        description="Days of the week, such as [Sat, Sun], from midnight to midnight.",
    )
    dates: list[Dates] = Field(
        default=[],
        max_length=MAX_DATES,
        description='Dates, such as "2026-12-24", or "2026-12-25/2027-01-01" for all from the first to the last: '
        "at most 50.",
    )
    daily: DailySpec | None = Field(default=None, description="A part of each day, such as the night.")

    def value(self) -> values.Exclusion:
        """Return the exclusion in numbers."""
        daily = self.daily
        return values.Exclusion(
            weekdays=tuple(day for day in values.Weekday if day in self.weekdays),
            dates=tuple(sorted(parse_dates(written) for written in self.dates)),
            daily_s=None if daily is None else (time_s(daily.start), time_s(daily.end)),
        )
