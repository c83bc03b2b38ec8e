"""The client for applications: subscribe and pause users, enqueue jobs outside the schedule, cancel jobs.

async with taskqueue.Client.open("redis://cache:6379/0") as client:
    await client.subscribe("u-7", "fetch-orders", {"region": "eu"})
    await client.enqueue("u-7", "fetch-orders", {"region": "eu"}, job_id="webhook-4711")
    await client.cancel(user="u-7")

Every call raises TaskqueueError: a ValueRefusedError (also ValueError) for an argument, a StoreError for a refusal, and
a StoreFailure if its effect is unknown: repeat the call, which is harmless (for `enqueue` with a `job_id`).
"""

import asyncio
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import Any, Self

from taskqueue.ad_hoc_jobs import check_job, enqueue_in_batches
from taskqueue.arguments import check_named, milliseconds, read_params
from taskqueue.models.ad_hoc_job import AdHocJob
from taskqueue.models.duration import parse_whole_s
from taskqueue.models.identity import check_type_name, check_user_id
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.time_zone import check_time_zone
from taskqueue.models.values import Subscription
from taskqueue.store.cancel import Fate, cancel_due, cancel_named
from taskqueue.store.connection import Store, open_store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.subscribe import subscribe, unsubscribe
from taskqueue.store.suspended import try_suspended
from taskqueue.store.user_pauses import pause_user, resume_user

#: Calls in flight; further ones wait for their turn. The store has connections for a few more.
_MAX_CALLS = 50


class Client:
    """A connection of an application to one release. Safe for any number of tasks of one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Semaphore(_MAX_CALLS)

    @classmethod
    def open(cls, url: str, *, release: str = "default", sentinel_password: str | None = None) -> Self:
        """Return a client, connected at its first call.

        url: as the option --redis-url; it may name one server, Sentinels or a Cluster.
        Raises StoreUrlError for a URL that cannot be used, and ValueRefusedError for the release.
        """
        return cls(open_store(url, release, sentinel_password=sentinel_password))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._store.close()

    async def enqueue(
        self,
        user: str,
        task_type: str,
        params: Mapping[str, Any] | None = None,
        *,
        job_id: str | None = None,
        delay_s: float = 0.0,
        expires_s: float | None = None,
    ) -> str:
        """Enqueue one job and return its name. The same job_id within an hour adds no second job.

        params: merged over the type's; those of the user's subscription do not count.   delay_s: the job is due after
        this time.   expires_s: the job is dropped this long after its due; None: never.
        Raises UnknownTypeError and LockedParamsError.
        """
        job = check_job(AdHocJob(user, task_type, params, job_id, delay_s, expires_s))
        async with self._turn:
            return await enqueue(
                self._store,
                task_type,
                user,
                job.params,
                job_id=job_id,
                delay_ms=job.delay_ms,
                life_ms=job.life_ms,
            )

    async def enqueue_many(self, jobs: Iterable[AdHocJob] | AsyncIterable[AdHocJob]) -> list[str]:
        """Enqueue jobs in their order, 400 a call of the store, and return their names, as `enqueue` does one by one.

        A job that is refused ends this: the error names it, as in `jobs[812].user`. Then the batches of 400 before its
        own are enqueued (here 800 jobs), and no others. After a StoreFailure repeat the call, with a job_id in each job.
        Raises UnknownTypeError and LockedParamsError.
        """
        return await enqueue_in_batches(self._store, self._turn, jobs)

    async def cancel(
        self,
        jobs: Sequence[str] | None = None,
        *,
        user: str | None = None,
        task_type: str | None = None,
        running: bool = False,
    ) -> int:
        """Cancel jobs that wait, and return their number.

        jobs: names that `enqueue` returned, whenever the jobs are due.   user, task_type: all jobs of the user, of the
        type, or of both, that are due now; later ones run.   running: also jobs that run; their handlers are cancelled
        within a few seconds.
        Other names are left out: of jobs that ended, and of dead letters. A repeated call is harmless.
        """
        _check_cancel(jobs, user, task_type)
        async with self._turn:
            if jobs is not None:
                fates = await cancel_named(self._store, jobs, running=running)
                return sum(fate is Fate.CANCELLED for fate in fates.values())
            steps = cancel_due(self._store, task_type=task_type, user=user, running=running)
            return sum([number async for number in steps])

    async def subscribe(
        self,
        user: str,
        task_type: str,
        params: Mapping[str, Any] | None = None,
        *,
        suspend: bool = False,
        interval: str | None = None,
        time_zone: str | None = None,
    ) -> None:
        """Subscribe a user to a task type, or replace params, suspension and interval of that subscription.

        Other subscriptions of the user keep their places.
        interval: one that the type offers, such as "5m"; None: the type's own.   time_zone: of the user, such as
        "Europe/Berlin", for all of their subscriptions; None: as it is, for a new user UTC.
        Raises UnknownTypeError, LockedParamsError, TooManySubscriptionsError, and UserOwnedError for a user of
        manifests or of an import.
        """
        _check(user, task_type)
        interval_s = None if interval is None else check_named("interval", parse_whole_s, interval)
        if time_zone is not None:
            check_named("time_zone", check_time_zone, time_zone)
        subscription = Subscription(task_type, read_params(params), suspend, interval_s)
        async with self._turn:
            await subscribe(self._store, user, subscription, time_zone)

    async def unsubscribe(self, user: str, task_type: str) -> None:
        """End a subscription of a user; harmless without one. Raises UserOwnedError as `subscribe` does."""
        _check(user, task_type)
        async with self._turn:
            await unsubscribe(self._store, user, task_type)

    async def pause(self, *, user: str, for_s: float | None = None) -> None:
        """Pause a user of any source: no scheduled job is emitted or starts; enqueued jobs run, and places are kept.

        for_s: the pause ends after this time; None: with `resume`. It replaces an earlier pause.
        Raises UnknownUserError for a user without subscriptions.
        """
        check_named("user", check_user_id, user)
        for_ms = max(1, milliseconds("for_s", for_s)) if for_s is not None else 0
        async with self._turn:
            await pause_user(self._store, user, for_ms)

    async def resume(self, *, user: str, task_type: str | None = None) -> bool:
        """End the pause of a user; return False if there was none.

        task_type: in its place let the next job of this subscription through, if the circuit breaker suspended it. The
        outcome decides whether the suspension is over.
        """
        check_named("user", check_user_id, user)
        if task_type is not None:
            check_named("task_type", check_type_name, task_type)
        async with self._turn:
            if task_type is not None:
                return await try_suspended(self._store, task_type, user) == "ok"
            return await resume_user(self._store, user)


def _check_cancel(jobs: Sequence[str] | None, user: str | None, task_type: str | None) -> None:
    """Check the arguments of `cancel`. Raises ValueRefusedError."""
    if (jobs is None) == (user is None and task_type is None):
        raise ValueRefusedError("jobs must be given, or user, task_type or both")
    if isinstance(jobs, str) or not all(isinstance(job, str) for job in jobs or ()):
        raise ValueRefusedError("jobs must be a list of names")
    if user is not None:
        check_named("user", check_user_id, user)
    if task_type is not None:
        check_named("task_type", check_type_name, task_type)


def _check(user: str, task_type: str) -> None:
    check_named("user", check_user_id, user)
    check_named("task_type", check_type_name, task_type)
