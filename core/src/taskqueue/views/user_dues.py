"""The dues of a subscription within a span of time, those that are excluded too, and the jobs that they become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskqueue.plan.exclude import excluded_spans
from taskqueue.plan.following import following, time_zone
from taskqueue.plan.schedule import occurrences
from taskqueue.plan.segment import Segment
from taskqueue.store.job_name import scheduled_name
from taskqueue.store.scalars import Place
from taskqueue.views.schedule_text import exclude_texts


@dataclass(frozen=True, slots=True)
class Due:
    """A due of a subscription.   start_s: begin of its period, epoch s."""

    segment: Segment
    start_s: int
    offset_ms: int

    @property
    def at_ms(self) -> int:
        """Return its instant, epoch ms."""
        return self.start_s * 1000 + self.offset_ms

    @property
    def exclusions(self) -> Sequence[str]:
        """Return the exclusions of the type that cover this due, in words. Raises ScheduleError."""
        zone = time_zone(self.segment.schedule)
        return exclude_texts(
            one for one in self.segment.exclude if excluded_spans((one,), zone, self.at_ms, self.at_ms + 1)
        )

    def job_names(self, user: str) -> Sequence[str]:
        """Return the names that its job may have: one by hand retried has no deadline. Raises ScheduleError."""
        segment, offset_ms = self.segment, self.offset_ms
        ((_, _, next_s),) = following(segment.schedule, segment.exclude, self.start_s, offset_ms, offset_ms)
        lives_ms = {segment.life_ms(self.start_s, next_s), 0}
        return [scheduled_name(segment.type, user, self.start_s, offset_ms, life_ms) for life_ms in lives_ms]


def own_segments(
    segments: Sequence[Segment], places: Mapping[tuple[str, int], Place]
) -> Sequence[tuple[Segment, int]]:
    """Return the segments that a subscription is in, each with its offset; a suspended one keeps its places.

    places: of the subscription, by type and generation.
    """
    found = [(one, places.get((one.type, one.generation))) for one in segments]
    return [(one, place.offset_ms) for one, place in found if place and place.variant == one.variant]


def dues_within(own: Sequence[tuple[Segment, int]], from_ms: int, until_ms: int) -> Sequence[Due]:
    """Return the dues from `from_ms` to `until_ms`, by time.   own: as `own_segments` returns them.

    Raises ScheduleError.
    """
    dues = []
    for segment, offset_ms in own:
        lo_s = max(segment.from_s, -((offset_ms - from_ms) // 1000))
        hi_s = (until_ms - offset_ms) // 1000 + 1
        if segment.until_s is not None:
            hi_s = min(hi_s, segment.until_s)
        if lo_s < hi_s:
            dues += [
                Due(segment, start_s, offset_ms) for start_s in occurrences(segment.schedule, lo_s, hi_s)
            ]
    return sorted(dues, key=lambda due: due.at_ms)
