"""The client for applications: subscribe users to task types, and enqueue jobs outside the schedule.

async with taskqueue.Client.open("redis://cache:6379/0") as client:
    await client.subscribe("u-7", "fetch-orders", {"region": "eu"})
    await client.enqueue("fetch-orders", "u-7")

Every call raises TaskqueueError: a ValueRefusedError (also ValueError) for an argument, a StoreError for a refusal, and
a StoreFailure if its effect is unknown: repeat the call, which is harmless (for `enqueue` with a `job_id`).
"""

from collections.abc import Mapping
from typing import Any, Self

from taskqueue.models.identity import check_type_name, check_user_id
from taskqueue.models.locked_params import refuse_locked
from taskqueue.models.params import check_params
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.values import Task, UserSubscription
from taskqueue.store.connection import Store, open_store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.errors import LockedParamsError
from taskqueue.store.lookup import find_stored_users
from taskqueue.store.types import read_locks
from taskqueue.store.users import read_subscriptions, replace_user

_MAX_S = 366 * 86_400


class Client:
    """A connection of an application to one release. Safe for any number of tasks of one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def open(cls, url: str, *, release: str = "default", sentinel_password: str | None = None) -> Self:
        """Return a client, connected at its first call. Raises StoreUrlError for a URL that cannot be used.

        url: as the option --redis-url; it may name one server, Sentinels or a Cluster.
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
        task_type: str,
        user: str,
        params: Mapping[str, Any] | None = None,
        *,
        job_id: str | None = None,
        delay_s: float = 0.0,
        expires_s: float = 0.0,
    ) -> str:
        """Enqueue one job and return its name. The same job_id within an hour adds no second job.

        params: merged over the type's.   delay_s: the job is due after this time.   expires_s: the job is dropped this
        long after its due; 0: never.
        Raises UnknownTypeError and LockedParamsError.
        """
        check_type_name(task_type)
        check_user_id(user)
        given = _params(params)
        delay_ms, life_ms = _milliseconds("delay_s", delay_s), _milliseconds("expires_s", expires_s)
        return await enqueue(
            self._store, task_type, user, given, job_id=job_id, delay_ms=delay_ms, life_ms=life_ms
        )

    async def subscribe(
        self, user: str, task_type: str, params: Mapping[str, Any] | None = None, *, suspend: bool = False
    ) -> None:
        """Subscribe a user to a task type, or replace params and suspension of that subscription.

        Further subscriptions of the user keep their places. A type that does not exist yet is waited for.
        Raises LockedParamsError, and UserOwnedError for a user of manifests or of an import.
        """
        check_type_name(task_type)
        task = Task(task_type, _params(params), suspend)
        if task.params:
            locks = await read_locks(self._store, [task_type])
            if names := locks.overridden(task_type, task.params):
                raise LockedParamsError(str(refuse_locked(task_type, names)))
        await self._replace(user, task_type, task)

    async def unsubscribe(self, user: str, task_type: str) -> None:
        """End a subscription of a user; harmless without one. Raises UserOwnedError as `subscribe` does."""
        check_type_name(task_type)
        await self._replace(user, task_type, None)

    async def _replace(self, user: str, task_type: str, task: Task | None) -> None:
        """Replace one subscription: read the user, and write again until no other writer came between."""
        check_user_id(user)
        written = False
        while not written:
            (stored,) = await find_stored_users(self._store, [user])
            tasks = {
                each.type: Task(each.type, each.params, each.suspended)
                for each in await read_subscriptions(self._store, user)
            }
            tasks.pop(task_type, None)
            if task is not None:
                tasks[task_type] = task
            changed = UserSubscription(user, tuple(tasks.values()))
            written = await replace_user(self._store, "client", changed, stored)


def _params(params: Mapping[str, Any] | None) -> dict[str, Any]:
    return check_params(dict(params)) if params else {}


def _milliseconds(name: str, seconds: float) -> int:
    if not 0 <= seconds <= _MAX_S:
        raise ValueRefusedError(f"{name} must be from 0 to {_MAX_S} (was {seconds})")
    return round(seconds * 1000)
