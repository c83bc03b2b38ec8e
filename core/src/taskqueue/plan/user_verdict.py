"""The service of all users at a limit of key User, and the verdict on it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from taskqueue.models.values import Limit, LimitKey
from taskqueue.plan.user_demand import UserDemand, put_together
from taskqueue.plan.user_jobs import UserService
from taskqueue.plan.user_limits import UserLimits
from taskqueue.plan.user_remedy import cheapest_user_change
from taskqueue.plan.verdict import NAMED_TYPES, Fit, LimitVerdict, UserShare


class UserLimitService:
    """The services at one limit, gathered from like users after like users.

    late: types with jobs that would wait past their deadline.   waits_s: the longest wait of each type for the limit.
    """

    def __init__(self, first: UserService) -> None:
        """Begin with the service of some users, which is still to be added."""
        self.limit = first.limit
        self.late: set[str] = set()
        self.waits_s: dict[str, float] = {}
        self._worst = first
        self._is_over = False
        self._over: list[UserService] = []
        self._users = 0

    def add(self, service: UserService) -> None:
        """Take the service of further users into account."""
        self._users += service.user.users
        late = service.jobs if service.load > 1 else service.late()
        if late:
            self._over.append(service)
            self.late.update(job.demand.name for job in late)
        wait_s = service.wait_s
        for job in service.jobs:
            name = job.demand.name
            if wait_s > self.waits_s.get(name, -1.0):
                self.waits_s[name] = wait_s
        if (bool(late), service.load) > (self._is_over, self._worst.load):
            self._worst, self._is_over = service, bool(late)

    def verdict(self, limits: Mapping[str, Limit]) -> LimitVerdict:
        """Return the verdict.   limits: by name. Raises ScheduleError."""
        worst = self._worst
        declared = limits.get(self.limit)
        shares = sorted(((job.work_s / job.gap_s, job.demand.name) for job in worst.jobs), reverse=True)
        total = sum(share for share, _ in shares)
        return LimitVerdict(
            limit=self.limit,
            key=LimitKey.USER,
            per_second=declared.per_second if declared else worst.per_second,
            fit=Fit.DOES_NOT_FIT if self._over else Fit.FITS,
            use=worst.load,
            delay_s=max(self.waits_s.values()),
            tightest=None,
            behind=tuple((name, share / total) for share, name in shares[:NAMED_TYPES]),
            users=UserShare(
                self._users,
                sum(service.user.users for service in self._over),
                worst.user.user_id,
                worst.load * worst.per_second,
                worst.per_second,
            ),
            change=cheapest_user_change(worst, self._over) if self._over else "",
        )


def serve_users(
    users: Iterable[UserDemand], limits: UserLimits, types: Collection[str]
) -> dict[str, UserLimitService]:
    """Return the service at each User limit, by name.   types: with User limits."""
    limited = (replace(user, types=tuple(name for name in user.types if name in types)) for user in users)
    found: dict[str, UserLimitService] = {}
    for user in put_together(user for user in limited if user.types):
        for service in limits.serve(user):
            if service.limit not in found:
                found[service.limit] = UserLimitService(service)
            found[service.limit].add(service)
    return found
