"""The limits of key User: the types of each user together, under the values of that user."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from taskqueue.models.values import Limit
from taskqueue.plan.limit_paths import Paths
from taskqueue.plan.limiter import stretch
from taskqueue.plan.user_demand import UserDemand
from taskqueue.plan.user_jobs import UserJob, UserService, summed


class UserLimits:
    """The User limits of a plan."""

    def __init__(
        self, jobs: Mapping[str, UserJob], limits: Mapping[str, Limit], paths: Paths, factor: float
    ) -> None:
        """Take the jobs by type, of all types with User limits, and the limits by name."""
        self._jobs = jobs
        self._limits = limits
        self._paths = paths
        self._factor = factor
        self._memory: dict[tuple[str, str, float], UserJob] = {}

    def serve(self, user: UserDemand) -> list[UserService]:
        """Return the service of these users at each of their limits.   All their types are in the plan."""
        own = {limit.name: limit for limit in user.limits}
        taken: dict[str, list[UserJob]] = {}
        for name in user.types:
            job = self._jobs[name]
            for limit in self._paths.users[name]:
                values = own.get(limit.name, limit)
                taken.setdefault(limit.name, []).append(self._job(limit.name, job, values.per_second))
        services = []
        for name, jobs in taken.items():
            values = own.get(name, self._limits[name])
            service = UserService(
                name, user, (), values.per_second, values.burst, self._factor, has_own=name in own
            )
            services.append(summed(service, jobs))
        return services if len(services) == 1 else _with_others(services)

    def _job(self, limit: str, job: UserJob, per_second: float) -> UserJob:
        """Return the job as it takes from a limit at this rate: one object for all users."""
        key = limit, job.demand.name, per_second
        found = self._memory.get(key)
        if found is None:
            is_within = bool(self._paths.by_type[job.demand.name])
            work_s = job.demand.cost * stretch(is_within=is_within) / per_second
            found = self._memory[key] = replace(job, work_s=work_s)
        return found


def _with_others(services: Sequence[UserService]) -> list[UserService]:
    """Add to each job its wait for other limits of the user, and the loss to jobs that take from these only."""
    found = []
    for service in services:
        own = {job.demand.name for job in service.jobs}
        waits_s, blocks_s = dict.fromkeys(own, 0.0), dict.fromkeys(own, 0.0)
        for other in services:
            taking = {job.demand.name: job.work_s for job in other.jobs}
            for name in own & taking.keys() if other is not service else ():
                waits_s[name] += other.wait_s
                blocks_s[name] += max(
                    (work_s for one, work_s in taking.items() if one not in own), default=0.0
                )
        jobs = [
            replace(job, others_s=waits_s[job.demand.name], other_block_s=blocks_s[job.demand.name])
            if waits_s[job.demand.name]
            else job
            for job in service.jobs
        ]
        found.append(summed(service, jobs))
    return found
