"""The client for code that is not async: each verb of `Client`, which waits for the answer."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self

from taskqueue.client.batches import iterate
from taskqueue.client.client import Client
from taskqueue.client.handover import Handover
from taskqueue.client.portal import Portal, wait
from taskqueue.client.resync import Prune, Resync
from taskqueue.models.ad_hoc_job import AdHocJob
from taskqueue.models.values import Subscription, UserLimit, UserSubscription
from taskqueue.store.user_state import UserChange, UserState
from taskqueue.views.jobs import JobList
from taskqueue.views.limits import LimitRow
from taskqueue.views.types import TypeRow
from taskqueue.views.user_detail import UserDetail
from taskqueue.views.users import UserPage
from taskqueue.views.why_waiting import Obstacle


class SyncClient:
    """A connection of an application to one release, for any number of threads.

    The verbs of `Client`, with the same arguments, answers and errors; iterables are read in the thread of the caller.
    A client that was opened before a fork connects anew in each process. A call in an event loop blocks that loop.
    """

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    @classmethod
    def open(cls, url: str, *, release: str = "default", sentinel_password: str | None = None) -> Self:
        """Return a client, connected at its first call."""
        return cls(Portal(partial(Client.open, url, release=release, sentinel_password=sentinel_password)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; further calls, and those under way, raise ClientClosedError."""
        self._portal.close()

    def subscribe(
        self,
        user: str,
        task_type: str,
        params: Mapping[str, Any] | None = None,
        *,
        suspend: bool = False,
        interval: str | None = None,
        time_zone: str | None = None,
    ) -> None:
        """Subscribe a user to a task type, or replace params, suspension and interval of that subscription."""
        self._portal.call(
            Client.subscribe,
            user,
            task_type,
            params,
            suspend=suspend,
            interval=interval,
            time_zone=time_zone,
        )

    def unsubscribe(self, user: str, task_type: str) -> None:
        """End a subscription of a user; harmless without one. Raises UserOwnedError as `subscribe` does."""
        self._portal.call(Client.unsubscribe, user, task_type)

    def read_user(self, user: str) -> UserState | None:
        """Read what the source of a user declares, with its etag; None for a user without subscriptions."""
        return self._portal.call(Client.read_user, user)

    def replace_user(
        self,
        user: str,
        tasks: Sequence[Subscription],
        *,
        time_zone: str = "UTC",
        limits: Sequence[UserLimit] = (),
        suspend: bool = False,
        if_match: str | None = None,
        only_new: bool = False,
    ) -> UserChange:
        """Replace all subscriptions of a user, the time zone and the own values at limits."""
        return self._portal.call(
            Client.replace_user,
            user,
            tasks,
            time_zone=time_zone,
            limits=limits,
            suspend=suspend,
            if_match=if_match,
            only_new=only_new,
        )

    def remove_user(self, user: str, *, if_match: str | None = None) -> bool:
        """End all subscriptions of a user; return False if there were none. if_match: as of `replace_user`."""
        return self._portal.call(Client.remove_user, user, if_match=if_match)

    def put_users(
        self,
        users: Iterable[UserSubscription],
        *,
        prune: Prune = False,
        confirm_removals: bool = False,
    ) -> Resync:
        """Replace many users, each as `replace_user` does; users that are as given already are not written."""
        return wait(
            Handover(iterate("users", users)).serve(
                lambda rows: self._portal.start(
                    Client.put_users, rows, prune=prune, confirm_removals=confirm_removals
                )
            )
        )

    def store_id(self) -> str | None:
        """Return the id of the store; None until it has task types."""
        return self._portal.call(Client.store_id)

    def enqueue(
        self,
        user: str,
        task_type: str,
        params: Mapping[str, Any] | None = None,
        *,
        job_id: str | None = None,
        delay_s: float = 0.0,
        expires_s: float | None = None,
    ) -> str:
        """Enqueue one job and return its name. The same job_id within an hour adds no second job."""
        return self._portal.call(
            Client.enqueue, user, task_type, params, job_id=job_id, delay_s=delay_s, expires_s=expires_s
        )

    def enqueue_many(self, jobs: Iterable[AdHocJob]) -> list[str]:
        """Enqueue jobs in their order, 400 a call of the store, and return their names; each counts as in `enqueue`."""
        return wait(
            Handover(iterate("jobs", jobs)).serve(lambda rows: self._portal.start(Client.enqueue_many, rows))
        )

    def cancel(
        self,
        jobs: Sequence[str] | None = None,
        *,
        user: str | None = None,
        task_type: str | None = None,
        running: bool = False,
    ) -> int:
        """Cancel jobs that wait, and return their number."""
        return self._portal.call(Client.cancel, jobs, user=user, task_type=task_type, running=running)

    def pause(
        self, *, user: str | None = None, task_type: str | None = None, for_s: float | None = None
    ) -> None:
        """Pause a user of any source, or a type: no scheduled job is emitted or starts; enqueued jobs run."""
        self._portal.call(Client.pause, user=user, task_type=task_type, for_s=for_s)

    def resume(self, *, user: str | None = None, task_type: str | None = None) -> bool:
        """End the pause of a user or of a type; return False if there was none."""
        return self._portal.call(Client.resume, user=user, task_type=task_type)

    def users(self, *, most: int = 100, after: str = "") -> UserPage:
        """Return the next `most` users."""
        return self._portal.call(Client.users, most=most, after=after)

    def user(self, user: str) -> UserDetail:
        """Return one user in full, with jobs that wait or run."""
        return self._portal.call(Client.user, user)

    def types(self) -> list[TypeRow]:
        """Return all task types."""
        return self._portal.call(Client.types)

    def jobs(self, *, most: int = 100) -> JobList:
        """Return at most `most` jobs: the first of each lane and of each limit, suspects, and jobs that run."""
        return self._portal.call(Client.jobs, most=most)

    def limits(self) -> list[LimitRow]:
        """Return the global limit, then all limits by name."""
        return self._portal.call(Client.limits)

    def why_waiting(self, user: str, task_type: str | None = None) -> list[Obstacle]:
        """Return why subscriptions of a user are idle and jobs wait, of one type or of all."""
        return self._portal.call(Client.why_waiting, user, task_type)
