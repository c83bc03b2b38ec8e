"""Catch-up after an outage: lower bounds on the dues that are still emitted, each of which depends on `now` alone."""

from taskqueue.models.values import CatchUp
from taskqueue.plan.schedule import previous_occurrence, shortest_gap_s
from taskqueue.plan.segment import Segment

#: A job this late is overdue: it waits in the backfill lane, behind work that is on time.
OVERDUE_GRACE_MS = 5_000
#: CatchUp.ALL goes back this many periods, as Kubernetes' CronJob does.
CATCH_UP_PERIODS = 100
#: Longer than any window.
_FOREVER_MS = 1 << 60


def first_offset_ms(segment: Segment, start_s: int, next_s: int, oldest_s: int, now_ms: int) -> int:
    """Return the offset from which on an occurrence's subscriptions are emitted; lower ones are missed.

    next_s: the next start of these subscriptions.   oldest_s: as `oldest_start_s` returns it; 0 for other policies.
    """
    first_ms = 0
    if segment.starting_deadline_ms is not None:
        first_ms = now_ms - segment.starting_deadline_ms - start_s * 1000
    policy = segment.catch_up
    if policy is CatchUp.LATEST:
        # Only while the subscription's next due is ahead; after the segment's end there is none.
        behind_ms = now_ms + 1 - next_s * 1000
        if behind_ms > first_ms and (segment.until_s is None or next_s < segment.until_s):
            return behind_ms
    elif policy is CatchUp.SKIP:
        return max(first_ms, now_ms - OVERDUE_GRACE_MS - start_s * 1000)
    elif start_s < oldest_s:
        return _FOREVER_MS
    return first_ms


def oldest_start_s(segment: Segment, first_s: int, now_ms: int) -> int:
    """Return the first start that CatchUp.ALL still runs, or `first_s` if it runs all from there on.

    Raises ScheduleError.
    """
    start_s = now_ms // 1000
    further = CATCH_UP_PERIODS - 1
    if first_s >= start_s - further * shortest_gap_s(segment.schedule):
        return first_s
    start_s = previous_occurrence(segment.schedule, start_s)
    for _ in range(further):
        start_s = previous_occurrence(segment.schedule, start_s - 1)
    return start_s
