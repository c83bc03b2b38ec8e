"""Verbs that read: the views of `taskqueue.views`, in which the command line and the API show the same."""

from taskqueue.client.arguments import check_named
from taskqueue.client.calls import Calls
from taskqueue.models.identity import check_type_name, check_user_id
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.errors import UnknownTypeError
from taskqueue.store.named_types import find_types
from taskqueue.views.jobs import JobList, list_jobs
from taskqueue.views.limits import LimitRow, list_limits
from taskqueue.views.types import TypeRow, list_types
from taskqueue.views.user_detail import UserDetail, read_user_detail
from taskqueue.views.users import UserPage, list_users
from taskqueue.views.why_waiting import Obstacle, find_obstacles

#: Longest page.
_MAX_ROWS = 10_000


class Reads(Calls):
    """The verbs that read, of users of all sources."""

    async def users(self, *, most: int = 100, after: str = "") -> UserPage:
        """Return the next `most` users.

        after: of the page before. Users that are added or removed meanwhile may be missing, or come twice.
        """
        _check_most(most)
        async with self._turn:
            return await list_users(self._store, most, after)

    async def user(self, user: str) -> UserDetail:
        """Return one user in full, with jobs that wait or run.

        While more than 2,000 jobs wait, those outside the schedule are not looked for, and `only_scheduled` says so.
        Raises UnknownUserError.
        """
        check_named("user", check_user_id, user)
        async with self._turn:
            return await read_user_detail(self._store, user)

    async def types(self) -> list[TypeRow]:
        """Return all task types."""
        async with self._turn:
            return await list_types(self._store)

    async def jobs(self, *, most: int = 100) -> JobList:
        """Return at most `most` jobs: the first of each lane and of each limit, suspects, and jobs that run."""
        _check_most(most)
        async with self._turn:
            return await list_jobs(self._store, most)

    async def limits(self) -> list[LimitRow]:
        """Return the global limit, then all limits by name."""
        async with self._turn:
            return await list_limits(self._store)

    async def why_waiting(self, user: str, task_type: str | None = None) -> list[Obstacle]:
        """Return why subscriptions of a user are idle and jobs wait, of one type or of all.

        Jobs are the ones of `user`: of a long queue, the scheduled jobs alone. Raises UnknownUserError, and
        UnknownTypeError.
        """
        if task_type is not None:
            check_named("task_type", check_type_name, task_type)
            async with self._turn:
                if task_type not in await find_types(self._store, [task_type]):
                    raise UnknownTypeError(task_type)
        detail = await self.user(user)
        return [one for one in find_obstacles(detail) if task_type in {None, one.type}]


def _check_most(most: object) -> None:
    if not isinstance(most, int) or not 1 <= most <= _MAX_ROWS:
        raise ValueRefusedError(f"most must be from 1 to {_MAX_ROWS} (was {most!r})")
