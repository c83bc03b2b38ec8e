"""Segments that follow each other and are alike have the answers that each of them has alone."""

from itertools import product

from taskqueue.models.values import CatchUp, Exclusion, Priority, Schedule
from taskqueue.plan.due import due
from taskqueue.plan.segment import Segment

SCHEDULE = Schedule(interval_s=600, window_s=300)
NOW_S = 1_800_000_000
SEGMENTS = [
    Segment(
        f"type-{number}",
        1,
        SCHEDULE,
        priority,
        catch_up,
        deadline_ms,
        from_s=NOW_S + from_s,
        until_s=until_s,
        exclude=exclude,
        variant=number % 3,
    )
    for number, (priority, catch_up, deadline_ms, until_s, exclude, from_s) in enumerate(
        product(
            (Priority.NORMAL, Priority.HIGH),
            (CatchUp.LATEST, CatchUp.ALL),
            (None, 60_000),
            (None, NOW_S),
            ((), (Exclusion(daily_s=(8 * 3600 + 100, 8 * 3600 + 200)),)),
            (-10_000, -9_000, -9_000, -600, 0, 600),
        )
    )
]


def test_answers_do_not_depend_on_the_neighbours() -> None:
    for after_s, until_s, now_s in ((-250, 250, 250), (0, 1, 1), (-4_000, 100, 100), (-1, 1_300, 0)):
        span = ((NOW_S + after_s) * 1000, (NOW_S + until_s) * 1000, (NOW_S + now_s) * 1000)
        assert due(SEGMENTS, *span) == [found for one in SEGMENTS for found in due([one], *span)]
