"""The declared state of one user: what its source says, read back, and replaced by an application."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from taskqueue.models.values import Subscription, UserLimit, UserSubscription
from taskqueue.store.command import hget, hgetall
from taskqueue.store.connection import Store
from taskqueue.store.errors import PreconditionFailedError, owned_elsewhere
from taskqueue.store.limit_record import read_user_limit
from taskqueue.store.lookup import find_stored_users
from taskqueue.store.malformed import location_of
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.user_faults import find_faults
from taskqueue.store.user_key import escape_user
from taskqueue.store.users import ANY, STORED, Source, StoredUser, digest, set_users_in_state, with_digest


@dataclass(frozen=True, slots=True)
class UserState:
    """A user in the store.   user: as its source declares it; where all of it is suspended, each of its tasks is.

    etag: another one after each change of `user`; pauses, the circuit breaker and jobs do not change it.
    """

    user: UserSubscription
    source: Source
    etag: str


@dataclass(frozen=True, slots=True)
class UserChange:
    """The effect of a write, and the state of the user after it."""

    effect: Literal["created", "changed", "unchanged"]
    state: UserState


async def read_user_state(store: Store, user: str) -> UserState | None:
    """Read a user; None if there is none.

    The etag is read first: of a user that changes meanwhile it is out of date, so that a write with it is refused.
    """
    (stored,) = await find_stored_users(store, [user])
    tasks = await read_subscriptions(store, user) if stored else []
    if not stored or not tasks:
        return None
    declared = UserSubscription(
        user,
        tuple(Subscription(task.type, task.params, task.suspended, task.interval_s) for task in tasks),
        limits=await _read_limits(store, user, stored),
        time_zone=await _read_zone(store, stored.zone) if stored.zone else "UTC",
    )
    return UserState(declared, stored.source, stored.digest)


async def _read_limits(store: Store, user: str, stored: StoredUser) -> tuple[UserLimit, ...]:
    field = escape_user(user)
    names = sorted(stored.limits)
    values = await store.read_all([hget(store.keys("limits", name), field) for name in names])
    found = [
        store.malformed.read(
            location_of(f"limits:{name}", field.encode()), partial(read_user_limit, name, value)
        )
        for name, value in zip(names, values, strict=True)
        if value is not None
    ]
    return tuple(limit for limit in found if limit)


async def _read_zone(store: Store, zone: int) -> str:
    variants = await store.read(hgetall(store.keys("variants")))
    return next((name.decode("ascii") for name, number in variants.items() if number == b"%d" % zone), "UTC")


async def replace_user(store: Store, user: UserSubscription, state: str = ANY) -> UserChange:
    """Replace all that a user of applications declares, if the user is in this state.

    user: with at least one task.   A user that is as given already is not written.
    Raises UserOwnedError, PreconditionFailedError, UnknownTypeError and LockedParamsError, and ValueRefusedError for an
    interval or a limit that the store does not offer.
    """
    (stored,) = await find_stored_users(store, [user.user_id])
    wanted = StoredUser("client", digest(user))
    after = UserState(user, wanted.source, wanted.digest)
    if stored == wanted and state in {ANY, STORED, with_digest(wanted.digest)}:
        return UserChange("unchanged", after)
    _check_source(stored)
    for fault in (await find_faults(store, [user])).values():
        raise fault
    await _write(store, user, state)
    return UserChange("changed" if stored else "created", after)


async def remove_user(store: Store, user: str, state: str = ANY) -> bool:
    """Remove a user of applications, if the user is in this state; return False if there was none.

    Raises UserOwnedError and PreconditionFailedError.
    """
    (stored,) = await find_stored_users(store, [user])
    _check_source(stored)
    if stored or state != ANY:
        await _write(store, UserSubscription(user), state)
    return stored is not None


def _check_source(stored: StoredUser | None) -> None:
    if stored and stored.source != "client":
        raise owned_elsewhere(stored.source)


async def _write(store: Store, user: UserSubscription, state: str) -> None:
    refused, differing = await set_users_in_state(store, "client", [(user, state)])
    if refused:
        raise owned_elsewhere("another one")
    if differing:
        raise PreconditionFailedError(user.user_id)
