"""The dues of a subscription whose jobs may wait: within their deadlines, the latest first."""

import pytest

from taskqueue.models.values import CatchUp, Exclusion, Schedule
from taskqueue.plan.segment import Segment
from taskqueue.views.user_jobs import recent_dues

HOUR_S = 3_600
HOURLY = Schedule(interval_s=HOUR_S)
NOW_S = 100 * HOUR_S
LIFE_MS = HOUR_S * 1_000
DEADLINE_MS = 2 * LIFE_MS
#: Until now. Dues in it are named, too: they have no job.
NIGHT = (Exclusion(daily_s=(HOUR_S, 4 * HOUR_S)),)


@pytest.mark.parametrize(
    ("segment", "offset_ms", "expected"),
    [
        (Segment("sync", 1, HOURLY), 0, [(0, LIFE_MS), (-1, LIFE_MS)]),
        (Segment("sync", 1, HOURLY), 1_000, [(0, LIFE_MS), (-1, LIFE_MS)]),
        (Segment("sync", 1, HOURLY), 1_001, [(-1, LIFE_MS)]),
        (
            Segment("sync", 1, HOURLY, starting_deadline_ms=DEADLINE_MS),
            5_000,
            [(-1, DEADLINE_MS), (-2, DEADLINE_MS)],
        ),
        (Segment("sync", 1, HOURLY, from_s=NOW_S), 0, [(0, LIFE_MS)]),
        (Segment("sync", 1, HOURLY, until_s=NOW_S), 0, [(-1, LIFE_MS)]),
        (
            Segment("sync", 1, HOURLY, exclude=NIGHT),
            5_000,
            [(-hours, hours * LIFE_MS) for hours in (1, 2, 3, 4)],
        ),
    ],
)
def test_dues_within_their_deadline_are_named(
    segment: Segment, offset_ms: int, expected: list[tuple[int, int]]
) -> None:
    found = list(recent_dues(segment, offset_ms, NOW_S * 1_000))
    assert [((start_s - NOW_S) // HOUR_S, life_ms) for start_s, life_ms in found] == expected


def test_dues_without_a_deadline_are_bounded() -> None:
    found = list(recent_dues(Segment("sync", 1, HOURLY, catch_up=CatchUp.ALL), 0, NOW_S * 1_000))
    assert (len(found), {life_ms for _, life_ms in found}) == (100, {0})
    assert found[0][0] == NOW_S
