"""Which subscriptions became due between two instants, as ranges of offsets: a handful, however many users.

For every subscription with offset f and every occurrence o of its segment with after < o * 1000 + f <= until,
exactly one answer: emitted (missed 0) or missed. Each rule of catch-up is a lower bound on the due of what is still
emitted, and depends on `now` alone, so cutting (after, until] anywhere gives the same answers.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain

from taskqueue.models.values import CatchUp
from taskqueue.plan.schedule import next_occurrence, occurrences, previous_occurrence, shortest_gap_s, window_s
from taskqueue.plan.segment import DueRange, Segment

# A job this late is overdue: it waits in the backfill lane, behind work that is on time.
OVERDUE_GRACE_MS = 5_000
# CatchUp.ALL goes back this many periods, as Kubernetes' CronJob does.
CATCH_UP_PERIODS = 100
# Later than any due.
_FOREVER_MS = 1 << 60
# The windows of a ticker that is not behind touch two starts at most: the one that ends and the one that begins.
_ON_TIME_STARTS = 2


def due(segments: Iterable[Segment], after_ms: int, until_ms: int, now_ms: int) -> list[DueRange]:
    """Return what has after_ms < due <= until_ms, judged at now_ms; until_ms may lie a little ahead of it.

    Periods that an outage swallowed whole come back as one range per segment: its `missed` says how many, its
    occurrence_s is the last of them. Raises ScheduleError.

    >>> from taskqueue.models.values import Schedule
    >>> (found,) = due([Segment("sync", 1, Schedule(interval_s=300))], 600_000, 600_250, 600_250)
    >>> found.occurrence_s, found.offset_lo_ms, found.offset_hi_ms, found.missed
    (600, 1, 250, 0)
    """
    found: list[DueRange] = []
    for segment in segments:
        schedule = segment.schedule
        last_ms = window_s(schedule) * 1000 - 1
        # Starts whose last offset is after `after`, up to those whose first is at `until`.
        lo_s = max((after_ms - last_ms) // 1000 + 1, segment.from_s)
        hi_s = until_ms // 1000 + 1
        if segment.until_s is not None and segment.until_s < hi_s:
            hi_s = segment.until_s
        starts = occurrences(schedule, lo_s, hi_s)
        if starts:
            found += _ranges(segment, starts, last_ms, after_ms, until_ms, now_ms)
    return found


def _ranges(
    segment: Segment, starts: Sequence[int], last_ms: int, after_ms: int, until_ms: int, now_ms: int
) -> list[DueRange]:
    """Return the answers for the starts whose windows, offsets 0 to last_ms, touch (after, until]."""
    found: list[DueRange] = []
    following_s = next_occurrence(segment.schedule, starts[-1])
    oldest_s = _oldest_start_s(segment, starts[0], now_ms)
    overdue_ms = now_ms - OVERDUE_GRACE_MS

    def next_s(index: int) -> int:
        return starts[index + 1] if index + 1 < len(starts) else following_s

    def first_offset_ms(index: int) -> int:
        return _first_emitted_ms(segment, starts[index], next_s(index), oldest_s, now_ms) - starts[index] * 1000

    swallowed = range(0)
    if len(starts) > _ON_TIME_STARTS:
        whole = range(bisect_right(starts, after_ms // 1000), bisect_right(starts, (until_ms - last_ms) // 1000))
        swallowed = whole[: bisect_left(whole, True, key=lambda index: first_offset_ms(index) <= last_ms)]
    if swallowed:
        index = swallowed[-1]
        life = _life_ms(segment, starts[index], next_s(index))
        found.append(_range(segment, 0, last_ms, starts[index], life, missed=len(swallowed)))
    for index in chain(range(swallowed.start), range(swallowed.stop, len(starts))):
        start_s = starts[index]
        life = _life_ms(segment, start_s, next_s(index))
        lo = max(0, after_ms + 1 - start_s * 1000)
        hi = min(last_ms, until_ms - start_s * 1000)
        emitted = max(lo, first_offset_ms(index))
        on_time = max(emitted, overdue_ms - start_s * 1000)
        if lo < emitted:
            found.append(_range(segment, lo, min(hi, emitted - 1), start_s, life, missed=1))
        if emitted < on_time and emitted <= hi:
            found.append(_range(segment, emitted, min(hi, on_time - 1), start_s, life, overdue=True))
        if on_time <= hi:
            found.append(_range(segment, on_time, hi, start_s, life))
    return found


def _first_emitted_ms(segment: Segment, start_s: int, next_s: int, oldest_s: int, now_ms: int) -> int:
    """Return the due from which on an occurrence's subscriptions are emitted; those before it are missed."""
    deadline_ms = segment.starting_deadline_ms
    first_ms = -_FOREVER_MS if deadline_ms is None else now_ms - deadline_ms
    match segment.catch_up:
        case CatchUp.LATEST if segment.until_s is None or next_s < segment.until_s:
            # Emitted only while its subscription's next due, (next_s - start_s) later, is still to come.
            return max(first_ms, now_ms + 1 - (next_s - start_s) * 1000)
        case CatchUp.SKIP:
            return max(first_ms, now_ms - OVERDUE_GRACE_MS)
        case CatchUp.ALL if start_s < oldest_s:
            return _FOREVER_MS
    return first_ms


def _oldest_start_s(segment: Segment, first_s: int, now_ms: int) -> int:
    """Return the first start that CatchUp.ALL still runs; any start <= first_s if it runs all from there."""
    start_s = now_ms // 1000
    periods = CATCH_UP_PERIODS - 1
    if segment.catch_up is not CatchUp.ALL or first_s >= start_s - periods * shortest_gap_s(segment.schedule):
        return first_s
    start_s = previous_occurrence(segment.schedule, start_s)
    for _ in range(periods):
        start_s = previous_occurrence(segment.schedule, start_s - 1)
    return start_s


def _life_ms(segment: Segment, start_s: int, next_s: int) -> int:
    if segment.starting_deadline_ms is not None:
        return segment.starting_deadline_ms
    return 0 if segment.catch_up is CatchUp.ALL else (next_s - start_s) * 1000


def _range(
    segment: Segment, lo: int, hi: int, start_s: int, life: int, *, overdue: bool = False, missed: int = 0
) -> DueRange:
    return DueRange(
        segment.type, segment.generation, lo, hi, start_s, life, segment.priority, overdue=overdue, missed=missed
    )
