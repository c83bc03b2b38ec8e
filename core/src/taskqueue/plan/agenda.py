"""The segments whose windows are open between two instants, found without a look at all others.

A release has some ten thousand segments, 300 types in 40 zones, and few of their windows are open at a time. Segments
with the same schedule open and close together. As windows of a schedule never overlap, each schedule has one window
that is open, or that opens next.
"""

from collections import defaultdict
from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from taskqueue.models.values import Schedule  # noqa: TC001 - a default dict is made of it
from taskqueue.plan.schedule import next_occurrence, previous_occurrence, window_s
from taskqueue.plan.segment import Segment


class Agenda:
    """Keeps the windows of schedules by the instants at which they open and close.

    The instants that it is asked for grow in general; an earlier one makes it begin anew.
    """

    def __init__(self) -> None:
        self._always: list[Segment] = []
        self._segments: list[list[Segment]] = []
        self._schedules: list[Schedule] = []
        # (opens ms, schedule) and (closes ms, schedule), by position in `_schedules`.
        self._opening: list[tuple[int, int]] = []
        self._closing: list[tuple[int, int]] = []
        self._after_ms: int | None = None

    def take(self, segments: Iterable[Segment]) -> None:
        """Replace the segments. Raises ScheduleError."""
        by_schedule: defaultdict[Schedule, list[Segment]] = defaultdict(list)
        for segment in sorted(segments, key=_policy):
            by_schedule[segment.schedule].append(segment)
        always = [one for one in by_schedule if one.interval_s == window_s(one)]
        self._always = [segment for one in always for segment in by_schedule.pop(one)]
        self._schedules, self._segments = list(by_schedule), list(by_schedule.values())
        self._after_ms = None

    def open_between(self, after_ms: int, until_ms: int) -> list[Segment]:
        """Return all segments with a window that touches (after, until], and maybe some others. Raises ScheduleError.

        >>> agenda = Agenda()
        >>> agenda.take([Segment("short", 1, Schedule(interval_s=3600, window_s=60))])
        >>> len(agenda.open_between(7_200_000, 7_201_000)), len(agenda.open_between(7_260_000, 7_261_000))
        (1, 0)
        """
        if self._after_ms is None or after_ms < self._after_ms:
            self._closing = []
            self._opening = [
                (self._opens_ms(index, after_ms), index) for index in range(len(self._schedules))
            ]
            heapify(self._opening)
        self._after_ms = after_ms
        while self._closing and self._closing[0][0] <= after_ms:
            _, index = heappop(self._closing)
            heappush(self._opening, (self._opens_ms(index, after_ms), index))
        while self._opening and self._opening[0][0] <= until_ms:
            opens_ms, index = heappop(self._opening)
            heappush(self._closing, (opens_ms + window_s(self._schedules[index]) * 1000, index))
        return [*self._always, *(segment for _, index in self._closing for segment in self._segments[index])]

    def _opens_ms(self, index: int, after_ms: int) -> int:
        """Return when the first window of a schedule opens that does not close by `after_ms`."""
        schedule, after_s = self._schedules[index], after_ms // 1000
        start_s = previous_occurrence(schedule, after_s)
        if (start_s + window_s(schedule)) * 1000 <= after_ms:
            start_s = next_occurrence(schedule, after_s)
        return start_s * 1000


def _policy(segment: Segment) -> tuple[str, str, int, int]:
    """Return the policy of a segment: `plan.due` reckons like segments in a row once."""
    return segment.priority, segment.catch_up, segment.starting_deadline_ms or 0, segment.until_s or 0
