"""subscribe: one subscription of a user that an application owns, written or removed."""

import msgspec

from taskqueue.models.offered_intervals import refuse_interval
from taskqueue.models.user_subscription import MAX_TASKS
from taskqueue.models.values import Subscription
from taskqueue.store.connection import Store
from taskqueue.store.errors import TooManySubscriptionsError, UnknownTypeError, owned_elsewhere
from taskqueue.store.named_types import check_locked
from taskqueue.store.script import Script
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
    Raises UnknownTypeError, LockedParamsError, UserOwnedError and TooManySubscriptionsError, and ValueRefusedError for
    an interval that the type does not offer.
    """
    await check_locked(store, subscription.type, subscription.params)
    params = msgspec.json.encode(dict(subscription.params), order="sorted") if subscription.params else b""
    chosen = str(subscription.interval_s or "")
    zone = _KEPT if time_zone is None else "" if time_zone == "UTC" else time_zone
    suspended = str(int(subscription.suspend))
    verdict, offered = await _run(store, user, subscription.type, params, suspended, chosen, zone)
    if verdict == b"unknown":
        raise UnknownTypeError(subscription.type)
    if verdict == b"full":
        raise TooManySubscriptionsError(f"{user} must have at most {MAX_TASKS}.")
    if verdict == b"interval":
        raise refuse_interval(subscription.type, [int(one) for one in offered.split()], int(chosen))


async def unsubscribe(store: Store, user: str, task_type: str) -> None:
    """Remove one subscription; harmless without it. Raises UserOwnedError."""
    await _run(store, user, task_type, b"", "", "", _KEPT)


async def _run(
    store: Store, user: str, task_type: str, params: bytes, suspended: str, interval: str, zone: str
) -> tuple[bytes, bytes]:
    """Return the script's verdict, and what it adds. Raises UserOwnedError."""
    args = (escape_user(user), task_type, params, suspended, MAX_TASKS, interval, zone)
    verdict, added = await store.run(_SUBSCRIBE, *args)
    if verdict == b"owned":
        raise owned_elsewhere(added.decode(errors="replace"))
    return verdict, added
