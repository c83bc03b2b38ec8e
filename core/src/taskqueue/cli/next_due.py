"""When a subscription runs next, to the millisecond."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from taskqueue.plan.schedule import next_occurrence

if TYPE_CHECKING:
    from taskqueue.plan.segment import Segment


def next_due_ms(
    segments: "Sequence[Segment]", offsets: Mapping[tuple[str, int], int], after_ms: int
) -> int | None:
    """Return the first due after `after_ms`, of the segment that owns its occurrence; None if there is none.

    offsets: the subscription's offset in ms by (type, generation). Raises ScheduleError.
    """
    dues = []
    for segment in segments:
        offset_ms = offsets.get((segment.type, segment.generation))
        if offset_ms is None:
            continue
        # The occurrence whose due comes next may have begun already: its offset is still to come.
        lowest_s = max((after_ms - offset_ms) // 1000, segment.from_s - 1)
        start_s = next_occurrence(segment.schedule, lowest_s)
        if segment.until_s is None or start_s < segment.until_s:
            dues.append(start_s * 1000 + offset_ms)
    return min(dues, default=None)
