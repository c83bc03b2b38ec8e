"""Subscriptions that became due between two instants, as ranges of offsets: a handful for any number of users.

For every subscription with offset f and every occurrence o of its segment with after < o * 1000 + f <= until,
there is exactly one answer: emitted, missed or excluded. Each rule of catch-up is a lower bound on the dues
that are still emitted and depends on `now` alone, so cutting (after, until] anywhere gives the same answers. For a
segment with exclusions it is cut at their edges; its next due, of Latest and of deadlines, is one that is not excluded.

The ticker asks four times a second for a thousand segments and more: about 3 us for one, hence comparisons in place of
min and max, and positional arguments. Segments of one schedule and one policy have the same answers, which are reckoned
once where such segments follow each other (`plan.agenda`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain

from taskqueue.models.values import CatchUp
from taskqueue.plan.catch_up import OVERDUE_GRACE_MS, first_offset_ms, oldest_start_s
from taskqueue.plan.excluded_due import count_excluded, stretches, touching
from taskqueue.plan.following import following
from taskqueue.plan.schedule import next_occurrence, occurrences, window_s
from taskqueue.plan.segment import DueRange, Segment

#: The span of a ticker that is not behind touches two windows at most: one that ends and one that begins.
_ON_TIME_STARTS = 2


def due(segments: Iterable[Segment], after_ms: int, until_ms: int, now_ms: int) -> list[DueRange]:
    """Return the ranges with after_ms < due <= until_ms, judged at now_ms, which until_ms may exceed a little.

    Periods that an outage swallowed whole come back as one range per segment: its `missed` says how many they
    are, its occurrence_s is the last of them. Raises ScheduleError.

    >>> from taskqueue.models.values import Schedule
    >>> (found,) = due([Segment("sync", 1, Schedule(interval_s=300))], 600_000, 600_250, 600_250)
    >>> found.occurrence_s, found.offset_lo_ms, found.offset_hi_ms, found.missed
    (600, 1, 250, 0)
    """
    found: list[DueRange] = []
    if until_ms <= after_ms:
        return found
    like, answers = None, list[DueRange]()
    for segment in segments:
        if like and _is_alike(segment, like, after_ms):
            kind, number, variant = segment.type, segment.generation, segment.variant
            answers = [DueRange(kind, number, *one[2:-1], variant) for one in answers]
        else:
            like, answers = segment, _estimate(segment, after_ms, until_ms, now_ms)
        found += answers
    return found


def _is_alike(segment: Segment, other: Segment, after_ms: int) -> bool:
    """Tell whether two segments have the same answers, as far as a quick look can tell."""
    return (
        segment.schedule is other.schedule
        and segment.catch_up is other.catch_up
        and segment.priority is other.priority
        and segment.starting_deadline_ms == other.starting_deadline_ms
        and segment.exclude == other.exclude
        and segment.until_s is other.until_s is None
        and (
            segment.from_s == other.from_s or max(segment.from_s, other.from_s) < _first_s(segment, after_ms)
        )
    )


def _first_s(segment: Segment, after_ms: int) -> int:
    """Return the first start whose last offset is after `after_ms`, if one begins then."""
    return after_ms // 1000 - window_s(segment.schedule) + 1


def _estimate(segment: Segment, after_ms: int, until_ms: int, now_ms: int) -> list[DueRange]:
    found: list[DueRange] = []
    schedule = segment.schedule
    last_ms = window_s(schedule) * 1000 - 1
    # From the first start whose last offset is after `after` to the last start not after `until`.
    lo_s, hi_s = (after_ms - last_ms) // 1000 + 1, until_ms // 1000 + 1
    if lo_s < segment.from_s:
        lo_s = segment.from_s
    if segment.until_s is not None and segment.until_s < hi_s:
        hi_s = segment.until_s
    starts = occurrences(schedule, lo_s, hi_s)
    if not starts:
        return found
    if not segment.exclude:
        _answer(found, segment, starts, last_ms, after_ms=after_ms, until_ms=until_ms, now_ms=now_ms)
        return found
    for lo_ms, hi_ms, excluded in stretches(segment, after_ms, until_ms):
        inside = touching(starts, last_ms, lo_ms, hi_ms)
        if excluded:
            found += count_excluded(segment, inside, last_ms, lo_ms, hi_ms)
        elif inside:
            _answer(found, segment, inside, last_ms, after_ms=lo_ms, until_ms=hi_ms, now_ms=now_ms)
    return found


def _answer(
    found: list[DueRange],
    segment: Segment,
    starts: Sequence[int],
    last_ms: int,
    *,
    after_ms: int,
    until_ms: int,
    now_ms: int,
) -> None:
    """Append the answers for the starts whose windows, offsets 0 to `last_ms`, touch (after, until]."""
    oldest_s = oldest_start_s(segment, starts[0], now_ms) if segment.catch_up is CatchUp.ALL else 0
    indices: Iterable[int] = range(len(starts))
    if len(starts) > _ON_TIME_STARTS:
        whole = range(
            bisect_right(starts, after_ms // 1000), bisect_right(starts, (until_ms - last_ms) // 1000)
        )
        swallowed = _swallowed(segment, starts, whole, last_ms, oldest_s, now_ms=now_ms)
        if swallowed:
            start_s, next_s = starts[swallowed[-1]], starts[swallowed.stop]
            found.append(_range(segment, 0, last_ms, start_s, next_s, missed=len(swallowed)))
            indices = chain(range(swallowed.start), range(swallowed.stop, len(starts)))
    for index in indices:
        start_s = starts[index]
        next_s = starts[index + 1] if index + 1 < len(starts) else next_occurrence(segment.schedule, start_s)
        start_ms = start_s * 1000
        lo, hi = after_ms + 1 - start_ms, until_ms - start_ms
        if lo < 0:
            lo = 0
        if hi > last_ms:
            hi = last_ms
        if not segment.exclude:
            _cut(found, segment, lo, hi, start_s, next_s, oldest_s, now_ms)
            continue
        for low, high, later_s in following(segment.schedule, segment.exclude, start_s, lo, hi):
            _cut(found, segment, low, high, start_s, later_s, oldest_s, now_ms)


def _cut(
    found: list[DueRange],
    segment: Segment,
    lo: int,
    hi: int,
    start_s: int,
    next_s: int,
    oldest_s: int,
    now_ms: int,
) -> None:
    """Append the answers for the offsets lo to hi of a start; their next dues are in the period of `next_s`."""
    emitted = first_offset_ms(segment, start_s, next_s, oldest_s, now_ms)
    on_time = now_ms - OVERDUE_GRACE_MS - start_s * 1000
    if lo < emitted:
        found.append(_range(segment, lo, min(hi, emitted - 1), start_s, next_s, missed=1))
        lo = emitted
    if lo < on_time and lo <= hi:
        found.append(_range(segment, lo, min(hi, on_time - 1), start_s, next_s, overdue=True))
        lo = on_time
    if lo <= hi:
        found.append(_range(segment, lo, hi, start_s, next_s))


def _swallowed(
    segment: Segment, starts: Sequence[int], whole: range, last_ms: int, oldest_s: int, *, now_ms: int
) -> range:
    """Return those of the starts `whole` (indices) that emit nothing: neighbours, from the first on.

    The very last start is never among them: it may be the latest of its segment. With exclusions neither is the last
    of `whole`: some of its next dues may be excluded.
    """

    def emits(index: int) -> bool:
        return first_offset_ms(segment, starts[index], starts[index + 1], oldest_s, now_ms) <= last_ms

    last = whole.stop - 1 if segment.exclude else whole.stop
    whole = range(whole.start, min(last, len(starts) - 1))
    return whole[: bisect_left(whole, True, key=emits)]


def _range(
    segment: Segment, lo: int, hi: int, start_s: int, next_s: int, *, overdue: bool = False, missed: int = 0
) -> DueRange:
    return DueRange(
        segment.type,
        segment.generation,
        lo,
        hi,
        start_s,
        segment.life_ms(start_s, next_s),
        segment.priority,
        overdue,
        missed,
        0,
        segment.variant,
    )
