"""The error of a schedule that cannot be planned."""


class ScheduleError(ValueError):
    """A cron expression that cannot be read or never runs, or an unknown time zone; the text says which."""
