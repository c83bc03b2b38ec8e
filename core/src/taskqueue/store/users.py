"""Users: one record each; a user is replaced at once, with all subscriptions."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, NamedTuple, Self, cast, get_args

import msgspec

from taskqueue.models.values import UserSubscription
from taskqueue.store.command import hgetall, hscan
from taskqueue.store.connection import Store
from taskqueue.store.fence import UNFENCED, Fence, check
from taskqueue.store.limit_record import encode_user_limit
from taskqueue.store.malformed import location_of
from taskqueue.store.scalars import read_whole
from taskqueue.store.script import Script
from taskqueue.store.user_key import escape_user, read_user
from taskqueue.store.wire import pack, packed, shaped

Source = Literal["folder", "kubernetes", "import", "client"]

SOURCES = frozenset(get_args(Source))

#: States of a user that a write may depend on: any, stored, not stored; of a user with a digest: `with_digest`.
ANY, STORED, ABSENT = "", "*", "-"

_SET_USERS = Script("set_users", shaped(tuple[bytes, bytes, bytes]))
_read_users = packed(list[str])
#: Subscriptions that one call of the script handles: a few milliseconds of the server's time.
_BATCH_TASKS = 300
#: A desired subscription: type, params as JSON, whether suspended, and the chosen interval, s.
_Row = tuple[str, str, int, str]
#: A user, the digest, the desired subscriptions, own values at limits, the zone, empty for UTC, and the state before.
_Desired = tuple[str, str, list[_Row], list[tuple[str, str]], str, str]


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user in the store: the source of its subscriptions, and a digest of all that the source says.

    zone: the number of its variant.   limits: names of those with values of the user. Both are in the digest.
    """

    source: Source
    digest: str
    zone: int = field(default=0, compare=False)
    limits: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def read(cls, value: bytes) -> Self:
        """Read a value of `users`. Raises ValueError."""
        source, bar, rest = value.decode("ascii").partition("|")
        if source not in SOURCES or not bar:
            raise ValueError(value)
        digest, _, rest = rest.partition("|")
        limits, _, zone = rest.partition("|")
        return cls(
            cast("Source", source),
            digest,
            read_whole(zone or "0"),
            tuple(limits.split(";")) if limits else (),
        )


def _rows(user: UserSubscription) -> list[_Row]:
    return [
        (
            subscription.type,
            msgspec.json.encode(dict(subscription.params), order="sorted").decode()
            if subscription.params
            else "",
            int(subscription.suspend or user.suspend),
            str(subscription.interval_s or ""),
        )
        for subscription in sorted(user.tasks, key=lambda subscription: subscription.type)
    ]


def _values(user: UserSubscription) -> list[tuple[str, str]]:
    return [(limit.name, encode_user_limit(limit)) for limit in user.limits]


def digest(user: UserSubscription) -> str:
    """Return eight letters that change with all that a user's manifest says."""
    rows = (_rows(user), _values(user), _zone(user))
    return urlsafe_b64encode(hashlib.blake2b(pack(rows), digest_size=6).digest()).decode()


def _zone(user: UserSubscription) -> str:
    return "" if user.time_zone == "UTC" else user.time_zone


def with_digest(text: str) -> str:
    """Return the state of a user who is stored with this digest."""
    return f"={text}"


async def set_users(
    store: Store, source_name: Source, users: Sequence[UserSubscription], fence: Fence = UNFENCED
) -> list[str]:
    """Replace the subscriptions of `users`; each user atomically, many users a round trip.

    Returns the ids that were refused because an import or a client owns them. A user without subscriptions is removed.
    Raises DeposedError and ForeignOwnerError.
    """
    return (await set_users_in_state(store, source_name, [(user, ANY) for user in users], fence)).refused


class Unwritten(NamedTuple):
    """Ids of users that were not written. differing: the user was in another state than the writer named."""

    refused: list[str]
    differing: list[str]


async def set_users_in_state(
    store: Store, source_name: Source, users: Iterable[tuple[UserSubscription, str]], fence: Fence = UNFENCED
) -> Unwritten:
    """Replace users as `set_users` does, each only in the given state: ANY, STORED, ABSENT or `with_digest`."""
    unwritten = Unwritten([], [])
    batch: list[_Desired] = []
    size = 0
    for user, state in users:
        rows = _rows(user)
        batch.append((escape_user(user.user_id), digest(user), rows, _values(user), _zone(user), state))
        size += len(rows) + len(user.limits) + 1
        if size >= _BATCH_TASKS:
            await _write(store, source_name, batch, fence, unwritten)
            batch, size = [], 0
    if batch:
        await _write(store, source_name, batch, fence, unwritten)
    return unwritten


async def _write(
    store: Store, source_name: Source, batch: Sequence[_Desired], fence: Fence, unwritten: Unwritten
) -> None:
    verdict, *ids = await store.run(_SET_USERS, source_name, pack(batch), *fence)
    await check(store, verdict, fence)
    for found, packed_ids in zip(unwritten, ids, strict=True):
        found.extend(read_user(user) for user in _read_users(packed_ids))


async def read_stored_users(store: Store) -> dict[str, StoredUser]:
    """Read every user with its source and digest."""
    rows = await store.read(hgetall(store.keys("users")))
    return dict(_read_stored_users(store, rows.items()))


async def read_stored_users_at(
    store: Store, cursor: int, batch: int = 1_000
) -> tuple[int, list[tuple[str, StoredUser]]]:
    """Read the batch of users at a cursor, each with its source and digest, and the next cursor; 0 begins and ends."""
    following, rows = await store.read(hscan(store.keys("users"), batch).at(cursor))
    return following, list(_read_stored_users(store, rows))


def read_stored_user(user: bytes, value: bytes) -> tuple[str, StoredUser]:
    """Read a user and its source. Raises any error of UNREADABLE."""
    return read_user(user.decode("ascii")), StoredUser.read(value)


def _read_stored_users(store: Store, rows: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, StoredUser]]:
    for user, value in rows:
        read = store.malformed.read(location_of("users", user), partial(read_stored_user, user, value))
        if read:
            yield read
