"""Verbs on users of an application: one subscription, all of one user, all users."""

from collections.abc import Mapping, Sequence
from typing import Any

from taskqueue.client.arguments import check_named, check_names, read_params, read_user
from taskqueue.client.calls import Calls
from taskqueue.client.resync import Prune, Resync, Users, resync
from taskqueue.models.duration import parse_whole_s
from taskqueue.models.identity import check_user_id
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.models.time_zone import check_time_zone
from taskqueue.models.values import Subscription, UserLimit, UserSubscription
from taskqueue.store.store_id import read_store_id
from taskqueue.store.subscribe import subscribe, unsubscribe
from taskqueue.store.user_state import UserChange, UserState, read_user_state, remove_user, replace_user
from taskqueue.store.users import ABSENT, ANY, STORED, with_digest


class UsersOfApplication(Calls):
    """The verbs on users. They write users of the source client, and refuse those of manifests or of an import."""

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
        check_names(user, task_type)
        interval_s = None if interval is None else check_named("interval", parse_whole_s, interval)
        if time_zone is not None:
            check_named("time_zone", check_time_zone, time_zone)
        subscription = Subscription(task_type, read_params(params), suspend, interval_s)
        async with self._turn:
            await subscribe(self._store, user, subscription, time_zone)

    async def unsubscribe(self, user: str, task_type: str) -> None:
        """End a subscription of a user; harmless without one. Raises UserOwnedError as `subscribe` does."""
        check_names(user, task_type)
        async with self._turn:
            await unsubscribe(self._store, user, task_type)

    async def read_user(self, user: str) -> UserState | None:
        """Read what the source of a user declares, with its etag; None for a user without subscriptions."""
        check_named("user", check_user_id, user)
        async with self._turn:
            return await read_user_state(self._store, user)

    async def replace_user(
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
        """Replace all subscriptions of a user, the time zone and the own values at limits.

        Tasks of the same type as before keep their places; a user that is as given already is not written.
        suspend: suspends each task.   if_match: the etag that the user must have, or "*" for any user that is
        there.   only_new: there must be no such user.
        Raises PreconditionFailedError, UnknownTypeError, LockedParamsError, and UserOwnedError as `subscribe` does.
        """
        if not tasks:
            raise ValueRefusedError(
                "tasks must hold at least one Subscription: remove_user ends all of a user"
            )
        wanted = read_user(UserSubscription(user, tuple(tasks), suspend, tuple(limits), time_zone))
        if only_new and if_match is not None:
            raise ValueRefusedError("if_match must be left out with only_new")
        async with self._turn:
            return await replace_user(self._store, wanted, ABSENT if only_new else _state(if_match))

    async def remove_user(self, user: str, *, if_match: str | None = None) -> bool:
        """End all subscriptions of a user; return False if there were none. if_match: as of `replace_user`.

        Raises PreconditionFailedError, and UserOwnedError as `subscribe` does.
        """
        check_named("user", check_user_id, user)
        async with self._turn:
            return await remove_user(self._store, user, _state(if_match))

    async def put_users(
        self, users: Users, *, prune: Prune = False, confirm_removals: bool = False
    ) -> Resync:
        """Replace many users, each as `replace_user` does; users that are as given already are not written.

        users: each once; a second time ends this with ValueRefusedError, and nothing is removed. One without tasks is
        removed. Those that `replace_user` would refuse are left out and listed.
        prune: also remove users of applications that are stored and not given; a function decides at the end, when it
        is known whether all could be given. Removals of more than 100 users and more than a fifth, or of all, raise
        TooManyRemovalsError at the end, unless `confirm_removals`.
        A call that was cut off may be repeated.
        """
        return await resync(self._store, self._turn, users, prune=prune, confirm_removals=confirm_removals)

    async def store_id(self) -> str | None:
        """Return the id of the store; None until it has task types.

        A store that lost everything gets another id: then send all users again, with `put_users`.
        """
        async with self._turn:
            return await read_store_id(self._store)


def _state(if_match: str | None) -> str:
    if if_match is None:
        return ANY
    etag = check_named("if_match", str, if_match)
    return STORED if etag == "*" else with_digest(etag)
