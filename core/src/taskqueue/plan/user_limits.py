"""The limits of key User: the types of each user together, under the values of that user.

The places of a user's subscriptions are not known before they are published, so all jobs of a user may be due at once.
After that instant no more is due than the load says, so no job waits longer than the ones of that instant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from taskqueue.models.values import Limit
from taskqueue.plan.limit_paths import Paths
from taskqueue.plan.limiter import OWN_STRETCH, stretch
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.plan.user_demand import UserDemand

#: The limit of rateLimit.perUserPerSecond, which all types of a user share.
ANY_TYPE = "user"


@dataclass(frozen=True, slots=True)
class UserJob:
    """The jobs of one type for one user.

    slot_s: seconds that a slot takes from the User limit.   gap_s: between two jobs.   shared_s: the longest wait for
    limits that all users share.   block_s: delay of each start by jobs of other users; blocked: the share of all time
    for which jobs of all users may cause one; own_blocked: the user's part of that.   others_s: the longest wait for
    other User limits; other_block_s: delay of each start by jobs that take from those only.
    """

    demand: TypeDemand
    gap_s: float
    shared_s: float = 0.0
    block_s: float = 0.0
    blocked: float = 0.0
    own_blocked: float = 0.0
    slot_s: float = 0.0
    others_s: float = 0.0
    other_block_s: float = 0.0


@dataclass(frozen=True, slots=True)
class UserService:
    """The jobs of like users at one limit.   factor: starts per first start.   has_own: values of the user's own."""

    limit: str
    user: UserDemand
    jobs: tuple[UserJob, ...]
    per_second: float
    burst: int
    factor: float
    has_own: bool = False

    @property
    def load(self) -> float:
        """Return the share of all time that the jobs take from the limit."""
        own = sum(
            (job.demand.cost * job.slot_s * self.factor + job.other_block_s) / job.gap_s for job in self.jobs
        )
        return own + min(self._blocked, sum(job.block_s / job.gap_s for job in self.jobs))

    @property
    def _blocked(self) -> float:
        """Return the share of all time for which jobs of other users may delay a start."""
        own = sum(job.own_blocked for job in self.jobs)
        return max(0.0, max(job.blocked for job in self.jobs) - own)

    @property
    def wait_s(self) -> float:
        """Return the longest wait for the limit while the load is at most 1: that of the last job of an instant."""
        work_s = [job.demand.cost * job.slot_s for job in self.jobs]
        saved_s = (self.burst - 1) * max(job.slot_s for job in self.jobs)
        blocks = self._blocked > 0
        blocked_s = sum(job.other_block_s + (job.block_s if blocks else 0.0) for job in self.jobs)
        return max(0.0, sum(work_s) - min(work_s) - saved_s + blocked_s)

    def late(self) -> list[UserJob]:
        """Return the jobs that would wait past their deadline, less those that do so for shared limits alone.

        While jobs wait for those, further ones of the user may become due, as many as the load says.
        """
        load, wait_s = self.load, self.wait_s
        return [
            job
            for job in self.jobs
            if job.shared_s <= job.demand.patience_s < wait_s + job.others_s + job.shared_s * (1 + load)
        ]

    def fits(self) -> bool:
        """Tell whether all jobs start before their deadlines."""
        return self.load <= 1 and not self.late()

    def at_rate(self, per_second: float) -> "UserService":
        """Return the service at another rate."""
        jobs = tuple(replace(job, slot_s=job.slot_s * self.per_second / per_second) for job in self.jobs)
        return replace(self, jobs=jobs, per_second=per_second)

    def with_type(self, demand: TypeDemand, gap_s: float) -> "UserService":
        """Return the service with another schedule of a type."""
        jobs = tuple(
            replace(job, demand=demand, gap_s=gap_s) if job.demand.type == demand.type else job
            for job in self.jobs
        )
        return replace(self, jobs=jobs)


def serve_user(
    user: UserDemand, jobs: Mapping[str, UserJob], limits: Mapping[str, Limit], paths: Paths, factor: float
) -> list[UserService]:
    """Return the service of these users at each of their limits.   jobs: by type, of all demanded types."""
    own = {limit.name: limit for limit in user.limits}
    taken: dict[str, list[UserJob]] = {}
    for job in (jobs[name] for name in user.types if name in jobs):
        task_type, per_second = job.demand.type, job.demand.per_user_per_second
        for name in (limit.name for limit in paths.users[task_type]):
            values = own.get(name, limits[name])
            slot_s = stretch(is_within=bool(paths.by_type[task_type])) / values.per_second
            taken.setdefault(name, []).append(replace(job, slot_s=slot_s))
        if per_second is not None:
            taken.setdefault(ANY_TYPE, []).append(replace(job, slot_s=OWN_STRETCH / per_second))
    services = []
    for name, found in taken.items():
        if name == ANY_TYPE:
            per_second = min(job.demand.per_user_per_second or 0.0 for job in found)
            services.append(UserService(name, user, tuple(found), per_second, 1, factor))
        else:
            values = own.get(name, limits[name])
            one = UserService(name, user, tuple(found), values.per_second, values.burst, factor, name in own)
            services.append(one)
    return services if len(services) == 1 else _with_others(services)


def _with_others(services: Sequence[UserService]) -> list[UserService]:
    """Add to each job its wait for other limits of the user, and the loss to jobs that take from those only."""
    found = []
    for service in services:
        own = {job.demand.type for job in service.jobs}
        waits_s, blocks_s = dict.fromkeys(own, 0.0), dict.fromkeys(own, 0.0)
        for other in services:
            taking = {job.demand.type: job.demand.cost * job.slot_s for job in other.jobs}
            for name in own & taking.keys() if other is not service else ():
                waits_s[name] += other.wait_s
                blocks_s[name] += max(
                    (work_s for one, work_s in taking.items() if one not in own), default=0.0
                )
        jobs = (
            replace(job, others_s=waits_s[job.demand.type], other_block_s=blocks_s[job.demand.type])
            for job in service.jobs
        )
        found.append(replace(service, jobs=tuple(jobs)))
    return found
