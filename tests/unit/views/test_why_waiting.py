"""Obstacles of one type and reason are one group, however many jobs have them."""

from taskqueue.views.instant import at
from taskqueue.views.why_waiting import Obstacle, ObstacleGroup, group_obstacles

LANE = "waits its turn in lane normal for the limit {}, 2/s, free in {}; {}"
PASSED = "its deadline has passed: it is dropped when its turn comes"


def obstacle(why: str, due_s: int = 0, task_type: str = "sync") -> Obstacle:
    return Obstacle(type=task_type, job=f"{task_type}|ada|{due_s}|0|0" if due_s else None, why=why)


def test_jobs_of_one_reason_are_one_group() -> None:
    first = LANE.format("shop", "1 d 28 min", "expires at 16:00:00 UTC")
    found = group_obstacles(
        [
            obstacle("suspended"),
            obstacle(LANE.format("shop", "59.5 s", "expires at 2025-11-25 16:00:00 UTC"), 300),
            obstacle(first, 100),
            obstacle(LANE.format("shop", "200 ms", "expires at 17:00:00 UTC"), 200),
        ]
    )
    assert found == [
        ObstacleGroup(type="sync", why="suspended", jobs=0, oldest_due=None),
        ObstacleGroup(type="sync", why=first, jobs=3, oldest_due=at(100_000)),
    ]


def test_other_types_limits_and_passed_deadlines_are_other_groups() -> None:
    expires = "expires at 16:00:00 UTC"
    several = [
        obstacle(LANE.format("shop1", "1 s", expires), 1),
        obstacle(LANE.format("shop2", "1 s", expires), 1),
        obstacle(LANE.format("shop1", "1 s", PASSED), 1),
        obstacle(LANE.format("shop1", "1 s", expires), 1, "send"),
    ]
    assert [one.why for one in group_obstacles(several)] == [one.why for one in several]
