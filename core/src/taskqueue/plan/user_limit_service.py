"""The service of all users at a limit of key User, and the verdict on it."""

from collections.abc import Mapping

from taskqueue.models.values import Limit, LimitKey
from taskqueue.plan.remedy import cheapest_user_change
from taskqueue.plan.user_limits import UserService
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
        self._over: list[UserService] = []
        self._users = 0

    def add(self, service: UserService) -> None:
        """Take the service of further users into account."""
        self._users += service.user.users
        fits = service.fits()
        late = service.jobs if service.load > 1 else service.late()
        self.late.update(job.demand.type for job in late)
        if not fits:
            self._over.append(service)
        wait_s = service.wait_s
        for job in service.jobs:
            name = job.demand.type
            self.waits_s[name] = max(self.waits_s.get(name, 0.0), wait_s)
        if (not fits, service.load) > (not self._worst.fits(), self._worst.load):
            self._worst = service

    def verdict(self, limits: Mapping[str, Limit]) -> LimitVerdict:
        """Return the verdict.   limits: by name. Raises ScheduleError."""
        worst = self._worst
        declared = limits.get(self.limit)
        shares = sorted(
            ((job.demand.cost * job.slot_s / job.gap_s, job.demand.type) for job in worst.jobs), reverse=True
        )
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
