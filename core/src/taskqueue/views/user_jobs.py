"""The jobs of one user that wait or run, without a walk over a long queue.

A scheduled job has a name that follows from its subscription and its due, so that it can be asked for in each place
where its type may wait. A job outside the schedule has an id that only its application knows: it is found by a walk.
"""

from collections.abc import Iterator, Mapping

from taskqueue.plan.following import following
from taskqueue.plan.schedule import previous_occurrence
from taskqueue.plan.segment import Segment
from taskqueue.store.connection import Store
from taskqueue.store.job_name import scheduled_name
from taskqueue.store.limit_names import limit_names
from taskqueue.store.listing import WaitingJob
from taskqueue.store.lookup import find_leased, find_named
from taskqueue.store.scalars import Place
from taskqueue.store.types import Catalog

#: Dues of a subscription that are looked for, the latest ones.
_MAX_DUES = 100
#: Jobs are emitted so long before they are due (LOOK_AHEAD_MS of scripts/tick.lua).
_AHEAD_MS = 1_000

#: Places of a user, by type and generation.
Places = Mapping[tuple[str, int], Place]


async def find_scheduled_jobs(
    store: Store, catalog: Catalog, user: str, places: Places, now_ms: int
) -> list[WaitingJob]:
    """Find the scheduled jobs of a user that wait and are within their deadlines, and all jobs of the user that run.

    It takes a few round trips, and one for each 1,000 jobs that run. Of a subscription the latest 100 dues are looked
    for, and none of an earlier schedule.
    """
    names: dict[str, list[str]] = {}
    for task_type in {task_type for task_type, _ in places} & catalog.records.keys():
        record = catalog.records[task_type]
        of_type = [
            name
            for segment in record.segments(catalog.variants)
            for name in _names(segment, places, user, now_ms)
        ]
        for place in limit_names(record.task_type, catalog.limits).places(task_type, user):
            names.setdefault(place, []).extend(of_type)
    found = {job.name: job for job in [*await find_named(store, names), *await find_leased(store, user)]}
    return sorted(found.values(), key=lambda job: job.score_ms)


def _names(segment: Segment, places: Places, user: str, now_ms: int) -> Iterator[str]:
    place = places.get((segment.type, segment.generation))
    if place and place.variant == segment.variant:
        for occurrence_s, life_ms in recent_dues(segment, place.offset_ms, now_ms):
            yield scheduled_name(segment.type, user, occurrence_s, place.offset_ms, life_ms)


def recent_dues(segment: Segment, offset_ms: int, now_ms: int) -> Iterator[tuple[int, int]]:
    """Yield occurrence (epoch s) and life (ms, 0: no deadline) of the dues of an offset that are within their deadline.

    The latest one first, which may be due in a second; excluded ones are among them. Raises ScheduleError.
    """
    schedule, exclude = segment.schedule, segment.exclude
    start_s = previous_occurrence(schedule, (now_ms + _AHEAD_MS - offset_ms) // 1000)
    for _ in range(_MAX_DUES):
        if start_s < segment.from_s:
            return
        ((_, _, next_s),) = following(schedule, exclude, start_s, offset_ms, offset_ms)
        life_ms = segment.life_ms(start_s, next_s)
        if life_ms and start_s * 1000 + offset_ms + life_ms < now_ms:
            return
        if segment.until_s is None or start_s < segment.until_s:
            yield start_s, life_ms
        start_s = previous_occurrence(schedule, start_s - 1)
