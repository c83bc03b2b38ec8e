"""The jobs of like users at one limit of key User: their load, and the longest wait.

The places of a user's subscriptions are not known before they are published, so all jobs of a user may be due at once.
After that instant no more is due than the load says, so no job waits longer than the ones of that instant.

A release has many users: the sums of a service are made once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from taskqueue.plan.limiter import STRETCH
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand


@dataclass(frozen=True, slots=True)
class UserJob:
    """The jobs of one type for one user.

    gap_s: between two jobs.   patience_s: the longest that a job may wait.   work_s: seconds that a job takes from the
    User limit.   shared_s: the longest wait for limits that all users share.   block_s: delay of each start by jobs of
    other users; blocked: the share of all time for which jobs of all users may cause one; own_blocked: the user's part
    of that.   others_s: the longest wait for other User limits; other_block_s: delay of each start by their jobs.
    """

    demand: TypeDemand
    gap_s: float
    patience_s: float
    shared_s: float = 0.0
    block_s: float = 0.0
    blocked: float = 0.0
    own_blocked: float = 0.0
    work_s: float = 0.0
    others_s: float = 0.0
    other_block_s: float = 0.0


@dataclass(frozen=True, slots=True)
class UserService:
    """The jobs of like users at one limit.

    has_own: values of the user's own.   factor: starts per first start.   load: the share of all time that the jobs
    take from the limit, `lost` time included.   wait_s: the longest wait for the limit while the load is at most
    1, that of the last job of an instant, `blocked_s` of it for jobs of other limits.
    """

    limit: str
    user: UserDemand
    jobs: tuple[UserJob, ...]
    per_second: float
    burst: int
    factor: float
    has_own: bool = False
    load: float = 0.0
    lost: float = 0.0
    wait_s: float = 0.0
    blocked_s: float = 0.0

    def late(self, times: float = 1.0) -> list[UserJob]:
        """Return the jobs that would wait past their deadline at so many times the rate.

        Jobs that do so for shared limits alone are left out. While a job waits for shared limits, further jobs of the
        user may become due, as many as the load says.
        """
        load = (self.load - self.lost) / times + self.lost
        wait_s = max(0.0, (self.wait_s - self.blocked_s) / times) + self.blocked_s
        return [
            job
            for job in self.jobs
            if job.shared_s <= job.patience_s < wait_s + job.others_s + job.shared_s * (1 + load)
        ]

    def fits(self, times: float = 1.0) -> bool:
        """Tell whether all jobs start before their deadlines at so many times the rate."""
        return (self.load - self.lost) / times + self.lost <= 1 and not self.late(times)

    def with_type(self, demand: TypeDemand, gap_s: float) -> "UserService":
        """Return the service with another schedule of a type."""
        jobs = [
            replace(job, demand=demand, gap_s=gap_s, patience_s=demand.patience_s)
            if job.demand.name == demand.name
            else job
            for job in self.jobs
        ]
        return summed(self, jobs)


def summed(service: UserService, jobs: Sequence[UserJob]) -> UserService:
    """Return a service with these jobs."""
    load = work_s = lost = blocked_s = blocks = blocked = own_blocked = 0.0
    least_s = jobs[0].work_s
    for job in jobs:
        load += job.work_s / job.gap_s
        work_s += job.work_s
        lost += job.other_block_s / job.gap_s
        blocked_s += job.other_block_s
        blocks += job.block_s / job.gap_s
        own_blocked += job.own_blocked
        blocked = max(blocked, job.blocked)
        least_s = min(least_s, job.work_s)
    if blocked > own_blocked:
        lost += min(blocked - own_blocked, blocks)
        blocked_s += sum(job.block_s for job in jobs)
    at_once_s = max(least_s, service.burst * STRETCH / service.per_second)
    return replace(
        service,
        jobs=tuple(jobs),
        load=load * service.factor + lost,
        lost=lost,
        wait_s=max(0.0, work_s - at_once_s) + blocked_s,
        blocked_s=blocked_s,
    )
