"""The parts of a span of time that are excluded for a segment, and its dues in them, which are only counted."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain

from taskqueue.plan.exclude import excluded_spans
from taskqueue.plan.following import time_zone
from taskqueue.plan.segment import DueRange, Segment


def stretches(segment: Segment, after_ms: int, until_ms: int) -> Iterator[tuple[int, int, bool]]:
    """Cut (after_ms, until_ms] at the edges of excluded time: yield (after, until, excluded), ascending.

    Raises ScheduleError.
    """
    zone, reached_ms = time_zone(segment.schedule), after_ms
    for start_ms, end_ms in excluded_spans(segment.exclude, zone, after_ms + 1, until_ms + 1):
        if reached_ms < start_ms - 1:
            yield reached_ms, start_ms - 1, False
        reached_ms = end_ms - 1
        yield start_ms - 1, reached_ms, True
    if reached_ms < until_ms:
        yield reached_ms, until_ms, False


def touching(starts: Sequence[int], last_ms: int, after_ms: int, until_ms: int) -> Sequence[int]:
    """Return the starts whose windows, offsets 0 to `last_ms`, touch (after, until]."""
    return starts[
        bisect_left(starts, (after_ms - last_ms) // 1000 + 1) : bisect_right(starts, until_ms // 1000)
    ]


def count_excluded(
    segment: Segment, starts: Sequence[int], last_ms: int, after_ms: int, until_ms: int
) -> Iterator[DueRange]:
    """Yield the ranges within (after, until], which is excluded: one for all windows that lie in it as a whole."""
    indices: Iterator[int] = iter(range(len(starts)))
    whole = range(bisect_right(starts, after_ms // 1000), bisect_right(starts, (until_ms - last_ms) // 1000))
    if whole:
        yield _range(segment, 0, last_ms, starts[whole[-1]], len(whole))
        indices = chain(range(whole.start), range(whole.stop, len(starts)))
    for index in indices:
        start_ms = starts[index] * 1000
        lo, hi = max(0, after_ms + 1 - start_ms), min(last_ms, until_ms - start_ms)
        yield _range(segment, lo, hi, starts[index], 1)


def _range(segment: Segment, lo: int, hi: int, start_s: int, times: int) -> DueRange:
    return DueRange(
        segment.type,
        segment.generation,
        lo,
        hi,
        start_s,
        life_ms=0,
        priority=segment.priority,
        variant=segment.variant,
        excluded=times,
    )
