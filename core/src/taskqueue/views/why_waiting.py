"""Reasons why nothing runs for a user: idle subscriptions and waiting jobs, each with the nearest obstacle."""

import re
from collections.abc import Iterable

from taskqueue.store.job_name import parse
from taskqueue.views.instant import at
from taskqueue.views.user_detail import UserDetail
from taskqueue.views.view import Instant, View

#: Parts of a reason that differ from job to job: durations, and when a job expires.
_VARYING = re.compile(r"(?:\d[\d.]* (?:d|h|min|s|ms)\b ?)+|expires at .*")


class Obstacle(View):
    """The reason why a subscription is idle, or why a job of it waits.   job: None for the subscription itself."""

    type: str
    job: str | None
    why: str


class ObstacleGroup(View):
    """An obstacle of several jobs of one type, as the oldest due of them has it.

    jobs: their number; 0 for the subscription itself, without oldest_due.
    """

    type: str
    why: str
    jobs: int
    oldest_due: Instant | None


def find_obstacles(user: UserDetail) -> list[Obstacle]:
    """Return what keeps the subscriptions of a user from running, then what keeps the jobs."""
    idle = [
        Obstacle(type=row.type, job=None, why=row.state)
        for row in user.subscriptions
        if row.next is None and row.state != "active"
    ]
    return idle + [
        Obstacle(type=parse(row.job).type, job=row.job, why=row.why)
        for row in user.jobs
        if not row.where.startswith("leased")
    ]


def group_obstacles(obstacles: Iterable[Obstacle]) -> list[ObstacleGroup]:
    """Return obstacles with those of one type and reason as one; reasons may differ in durations and deadlines."""
    groups: dict[tuple[str, str], list[Obstacle]] = {}
    for one in obstacles:
        groups.setdefault((one.type, _VARYING.sub("", one.why)), []).append(one)
    return [_group(several) for several in groups.values()]


def _group(several: list[Obstacle]) -> ObstacleGroup:
    dues = [(parse(one.job).due_ms, one) for one in several if one.job]
    due_ms, first = min(dues, key=lambda due: due[0], default=(None, several[0]))
    return ObstacleGroup(
        type=first.type,
        why=first.why,
        jobs=len(dues),
        oldest_due=None if due_ms is None else at(due_ms),
    )
