"""subscribe: one subscription of a user that an application owns, written or removed."""

import msgspec

from taskqueue.models.user_subscription import MAX_TASKS
from taskqueue.models.values import Subscription
from taskqueue.store.connection import Store
from taskqueue.store.errors import TooManySubscriptionsError, UnknownTypeError, UserOwnedError
from taskqueue.store.script import Script
from taskqueue.store.types import check_locked
from taskqueue.store.user_key import escape_user
from taskqueue.store.wire import shaped

_SUBSCRIBE = Script("subscribe", shaped(tuple[bytes, bytes]))


#: Stands for the zone that the user has.
_KEPT = "-"


async def subscribe(
    store: Store, user: str, subscription: Subscription, time_zone: str | None = None
) -> None:
    """Write one subscription; the user's other subscriptions keep their places. A repeated call changes nothing.

    time_zone: of the user, for all of their subscriptions; None: as it is.
    Raises UnknownTypeError, LockedParamsError, UserOwnedError and TooManySubscriptionsError.
    """
    await check_locked(store, subscription.type, subscription.params)
    params = msgspec.json.encode(dict(subscription.params), order="sorted") if subscription.params else b""
    zone = _KEPT if time_zone is None else "" if time_zone == "UTC" else time_zone
    await _run(
        store,
        user,
        subscription.type,
        params,
        str(int(subscription.suspend)),
        str(subscription.interval_s or ""),
        zone,
    )


async def unsubscribe(store: Store, user: str, task_type: str) -> None:
    """Remove one subscription; harmless without it. Raises UserOwnedError."""
    await _run(store, user, task_type, b"", "")


async def _run(
    store: Store,
    user: str,
    task_type: str,
    params: bytes,
    suspended: str,
    interval: str = "",
    zone: str = _KEPT,
) -> None:
    args = (escape_user(user), task_type, params, suspended, MAX_TASKS, interval, zone)
    verdict, source = await store.run(_SUBSCRIBE, *args)
    if verdict == b"owned":
        raise UserOwnedError(f"Its source is {source.decode(errors='replace')}: change the user there.")
    if verdict == b"unknown":
        raise UnknownTypeError(task_type)
    if verdict == b"full":
        raise TooManySubscriptionsError(f"{user} must have at most {MAX_TASKS}.")
