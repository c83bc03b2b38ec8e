"""The next due time of a subscription, to the millisecond."""

from collections.abc import Mapping, Sequence

from taskqueue.plan.schedule import next_occurrence
from taskqueue.plan.segment import Segment


def next_due_ms(
    segments: Sequence[Segment], offsets: Mapping[tuple[str, int], int], after_ms: int
) -> int | None:
    """Return the first due time after `after_ms`, in epoch milliseconds, or None if no segment has one.

    offsets: the offset of the subscription in ms, by type and generation. Raises ScheduleError.
    """
    dues = []
    for segment in segments:
        offset_ms = offsets.get((segment.type, segment.generation))
        if offset_ms is None:
            continue
        # A period that has already begun may hold the next due time, if its offset lies ahead.
        lowest_s = max((after_ms - offset_ms) // 1000, segment.from_s - 1)
        start_s = next_occurrence(segment.schedule, lowest_s)
        if segment.until_s is None or start_s < segment.until_s:
            dues.append(start_s * 1000 + offset_ms)
    return min(dues, default=None)
