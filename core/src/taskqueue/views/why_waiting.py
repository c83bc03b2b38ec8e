"""Reasons why nothing runs for a user: idle subscriptions and waiting jobs, each with the nearest obstacle."""

from taskqueue.store.job_name import parse
from taskqueue.views.user_detail import UserDetail
from taskqueue.views.view import View


class Obstacle(View):
    """The reason why a subscription is idle, or why a job of it waits.   job: None for the subscription itself."""

    type: str
    job: str | None
    why: str


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
