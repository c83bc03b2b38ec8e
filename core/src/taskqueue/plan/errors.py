"""The error of a schedule that cannot be planned."""

from taskqueue.errors import TaskqueueError


class ScheduleError(TaskqueueError, ValueError):
    """A cron expression that cannot be read or never runs, or an unknown time zone; the text says which."""
