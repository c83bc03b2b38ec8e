"""The instant at which a changed schedule takes over from the old one."""

from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import next_occurrence, previous_occurrence


def takeover_s(old: Schedule, new: Schedule, after_s: int) -> int:
    """Return the earliest fit instant T > after_s: the old schedule keeps what is < T, the new has the rest.

    Fit: the time from the last old period start to the first new one is no longer than the old or the new
    period around that place; with offsets, no subscription waits longer than that plus its shift. If taking
    over at once is not fit, two later instants are: just after the next old start a (the new period around a
    contains the whole gap), and the next new start b (there the old period does). Raises ScheduleError.

    >>> takeover_s(Schedule(interval_s=300), Schedule(interval_s=60), after_s=1_000)
    1001
    >>> takeover_s(Schedule(interval_s=3600), Schedule(interval_s=3000), after_s=8_900)  # 7200 to 9000
    8901
    >>> takeover_s(Schedule(interval_s=3000), Schedule(interval_s=3600), after_s=17_990)  # 15000 to 18000
    17991
    >>> takeover_s(Schedule(interval_s=700), Schedule(interval_s=500), after_s=2_600)  # not 2100 to 3000
    2801
    """
    last_old = previous_occurrence(old, after_s)
    next_old = next_occurrence(old, after_s)
    next_new = next_occurrence(new, after_s)
    previous_new = previous_occurrence(new, after_s)
    if next_new - last_old <= max(next_old - last_old, next_new - previous_new):
        return after_s + 1
    return min(next_old + 1, next_new)
