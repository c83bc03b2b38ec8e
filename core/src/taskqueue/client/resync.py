"""All users of an application, written in batches: only those that differ, and at the end those that are gone removed.

Each user is written atomically, and gone users are removed last. So a resync that was cut off anywhere is repeated.
"""

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from taskqueue.client.arguments import read_user
from taskqueue.client.batches import batches
from taskqueue.errors import TaskqueueError
from taskqueue.models.refusal import ValueRefusedError, excerpt
from taskqueue.models.values import UserSubscription
from taskqueue.sources.removals import are_many
from taskqueue.store.connection import Store
from taskqueue.store.errors import TooManyRemovalsError, owned_elsewhere
from taskqueue.store.lookup import find_changed_users
from taskqueue.store.user_faults import find_faults
from taskqueue.store.users import ANY, StoredUser, read_stored_users_at, set_users_in_state, with_digest

Users = Iterable[UserSubscription] | AsyncIterable[UserSubscription]
#: Whether users that were not given are removed; a function is asked once all were given.
Prune = bool | Callable[[], bool]

#: Users compared and written in one round trip, as by an import.
BATCH = 500


@dataclass(slots=True)
class Resync:
    """The effect of a resync, in users.   unchanged: not written.   refused: by id, each with the error."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    refused: dict[str, TaskqueueError] = field(default_factory=dict)


async def resync(
    store: Store, turn: asyncio.Semaphore, users: Users, *, prune: Prune, confirm_removals: bool
) -> Resync:
    """Write users, and with `prune` remove all other users of applications that were stored before the call.

    turn: held while the store is used, not while users are awaited.
    A user that an application wrote meanwhile stays. Raises TooManyRemovalsError as `are_many` decides.
    """
    done = Resync()
    async with turn:
        left = await _read_own(store) if prune else {}
    stored = len(left)
    positions: dict[str, int] = {}
    async for batch in batches("users", users, BATCH):
        for user in batch:
            _check_user(user, positions)
            left.pop(user.user_id, None)
        async with turn:
            await _write(store, batch, done)
    if callable(prune) and not prune():
        return done
    if are_many(len(left), stored) and not confirm_removals:
        raise TooManyRemovalsError(
            f"{len(left)} of {stored} users of applications were not given, all others are written: "
            "confirm_removals=True removes them."
        )
    gone = [(UserSubscription(user), with_digest(text)) for user, text in left.items()]
    async with turn:
        unwritten = await set_users_in_state(store, "client", gone)
    done.removed += len(gone) - len(unwritten.refused) - len(unwritten.differing)
    return done


async def _read_own(store: Store) -> dict[str, str]:
    """Read the users of applications, with their digests."""
    found: dict[str, str] = {}
    cursor = 0
    while True:
        cursor, rows = await read_stored_users_at(store, cursor)
        found |= {user: stored.digest for user, stored in rows if stored.source == "client"}
        if not cursor:
            return found


async def _write(store: Store, users: list[UserSubscription], done: Resync) -> None:
    """Write the users of a batch that differ from the store, and count them."""
    valid = []
    for user in users:
        try:
            valid.append(read_user(user))
        except ValueRefusedError as error:
            done.refused[user.user_id] = error
    changed = await find_changed_users(store, "client", valid)
    done.unchanged += len(valid) - len(changed)
    refused: dict[str, TaskqueueError] = {
        user.user_id: owned_elsewhere(stored.source)
        for user, stored in changed
        if stored and stored.source != "client"
    }
    refused |= await find_faults(store, [user for user, _ in changed if user.user_id not in refused])
    changed = [(user, stored) for user, stored in changed if user.user_id not in refused]
    unwritten = await set_users_in_state(store, "client", [(user, ANY) for user, _ in changed])
    refused |= {user: owned_elsewhere("another one") for user in unwritten.refused}
    _count(changed, refused, done)


def _count(
    changed: list[tuple[UserSubscription, StoredUser | None]],
    refused: Mapping[str, TaskqueueError],
    done: Resync,
) -> None:
    for user, stored in changed:
        if user.user_id in refused:
            continue
        if not user.tasks:
            done.removed += 1
        elif stored:
            done.changed += 1
        else:
            done.created += 1
    done.refused |= refused


def _check_user(user: object, positions: dict[str, int]) -> None:
    """Raise ValueRefusedError for another object, and for a user that has a position already."""
    if not isinstance(user, UserSubscription) or not isinstance(user.user_id, str):
        raise ValueRefusedError(
            f"users must be UserSubscriptions with text as user_id (was {type(user).__name__})"
        )
    position = len(positions)
    first = positions.setdefault(user.user_id, position)
    if first != position:
        raise ValueRefusedError(
            f"users[{position}] must be another user: users[{first}] is {excerpt(user.user_id)} already"
        )
