"""The next due time of a subscription, to the millisecond."""

from collections.abc import Mapping, Sequence

from taskqueue.plan.cron import DAY_S
from taskqueue.plan.exclude import MAX_DAYS
from taskqueue.plan.following import following
from taskqueue.plan.segment import Segment
from taskqueue.store.scalars import Place


def next_due_ms(
    segments: Sequence[Segment], places: Mapping[tuple[str, int], Place], after_ms: int
) -> int | None:
    """Return the first due time after `after_ms` that is not excluded, epoch ms, or None if no segment has one.

    Excluded time of more than ten years counts as excluded for ever: so it is where it covers a place in each period.
    places: of the subscription, by type and generation. Raises ScheduleError.
    """
    dues = []
    for segment in segments:
        place = places.get((segment.type, segment.generation))
        if place is None or place.suspended or place.variant != segment.variant:
            continue
        offset_ms = place.offset_ms
        # A period that has already begun may hold the next due time, if its offset lies ahead.
        lowest_s = max((after_ms - offset_ms) // 1000, segment.from_s - 1)
        ((_, _, start_s),) = following(segment.schedule, segment.exclude, lowest_s, offset_ms, offset_ms)
        is_excluded = start_s > lowest_s + MAX_DAYS * DAY_S
        if not is_excluded and (segment.until_s is None or start_s < segment.until_s):
            dues.append(start_s * 1000 + offset_ms)
    return min(dues, default=None)
