"""The segments whose windows are open between two instants, found without a look at all others.

A release has some ten thousand segments, 300 types in 40 zones, and few of their windows are open at a time. Segments
with the same schedule open and close together. As windows of a schedule never overlap, each schedule has one window
that is open, or that opens next.
"""

from collections import defaultdict
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import count

from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import next_occurrence, previous_occurrence, window_s
from taskqueue.plan.segment import Segment

#: Schedules whose next window is looked for in a call, about a millisecond. Others that closed stay on the list of open
#: ones, which costs `plan.due` a look and changes nothing.
_MAX_CLOSED = 8


class Agenda:
    """Keeps the windows of schedules by the instants at which they open and close.

    The instants that it is asked for grow in general; an earlier one makes it begin anew.
    """

    def __init__(self) -> None:
        self._always: list[Segment] = []
        self._segments: dict[Schedule, list[Segment]] = {}
        # When the window of each schedule opens that is open, or opens next. Kept where types change, which is often.
        self._opens_ms: dict[Schedule, int] = {}
        # (opens ms, a number, schedule) and (closes ms, a number, schedule): heaps that compare no schedules.
        self._opening: list[tuple[int, int, Schedule]] = []
        self._closing: list[tuple[int, int, Schedule]] = []
        self._after_ms: int | None = None
        self._numbers = count()

    def take(self, segments: Iterable[Segment]) -> None:
        """Replace the segments. Raises ScheduleError."""
        by_schedule: defaultdict[Schedule, list[Segment]] = defaultdict(list)
        for segment in sorted(segments, key=_policy):
            by_schedule[segment.schedule].append(segment)
        always = [one for one in by_schedule if one.interval_s == window_s(one)]
        self._always = [segment for one in always for segment in by_schedule.pop(one)]
        self._segments = dict(by_schedule)
        self._after_ms = None

    def open_between(self, after_ms: int, until_ms: int) -> list[Segment]:
        """Return all segments with a window that touches (after, until], and maybe some others. Raises ScheduleError.

        >>> agenda = Agenda()
        >>> agenda.take([Segment("short", 1, Schedule(interval_s=3600, window_s=60))])
        >>> len(agenda.open_between(7_200_000, 7_201_000)), len(agenda.open_between(7_260_000, 7_261_000))
        (1, 0)
        """
        if self._after_ms is None or after_ms < self._after_ms:
            self._begin(after_ms)
        self._after_ms = after_ms
        for _ in range(_MAX_CLOSED):
            if not self._closing or self._closing[0][0] > after_ms:
                break
            self._await_opening(heappop(self._closing)[2], after_ms)
        while self._opening and self._opening[0][0] <= until_ms:
            opens_ms, _, schedule = heappop(self._opening)
            heappush(self._closing, (opens_ms + window_s(schedule) * 1000, next(self._numbers), schedule))
        return [
            *self._always,
            *(segment for *_, schedule in self._closing for segment in self._segments[schedule]),
        ]

    def _begin(self, after_ms: int) -> None:
        """Enter every schedule with the window that is open at an instant, or opens next."""
        if self._after_ms is not None:
            self._opens_ms = {}  # the instant is an earlier one
        known, self._opens_ms = self._opens_ms, {}
        self._opening, self._closing = [], []
        for schedule in self._segments:
            opens_ms = known.get(schedule)
            if opens_ms is not None and opens_ms + window_s(schedule) * 1000 > after_ms:
                self._opens_ms[schedule] = opens_ms
                heappush(self._opening, (opens_ms, next(self._numbers), schedule))
            else:
                self._await_opening(schedule, after_ms)

    def _await_opening(self, schedule: Schedule, after_ms: int) -> None:
        """Enter a schedule with its first window that does not close by `after_ms`."""
        start_s = previous_occurrence(schedule, after_ms // 1000)
        if (start_s + window_s(schedule)) * 1000 <= after_ms:
            start_s = next_occurrence(schedule, after_ms // 1000)
        self._opens_ms[schedule] = start_s * 1000
        heappush(self._opening, (start_s * 1000, next(self._numbers), schedule))


def _policy(segment: Segment) -> tuple[str, str, int, int]:
    """Return the policy of a segment: `plan.due` reckons like segments in a row once."""
    return segment.priority, segment.catch_up, segment.starting_deadline_ms or 0, segment.until_s or 0
