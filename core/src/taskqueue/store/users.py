"""Users and their subscriptions: one record a subscription, replaced a user at a time."""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple, Self, cast, get_args

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
#: Users whose subscriptions one round trip reads.
_BATCH_USERS = 500
#: A desired subscription: type, params as JSON, whether suspended, and the chosen interval, s.
_Row = tuple[str, str, int, str]
#: A user, the digest, the desired subscriptions, own values at limits, the zone, empty for UTC, and the state before.
_Desired = tuple[str, str, list[_Row], list[tuple[str, str]], str, str]
#: A subscription's record, as scripts/lib/deal.lua writes it.
_RECORD = re.compile(r"([0-9]{1,16})([a-z]*)(?::([0-9]{1,12}))?(.*)", re.DOTALL)


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


@dataclass(frozen=True, slots=True)
class StoredSubscription:
    """A subscription in the store. number: its place in the spread of its class; generation 0: unknown type.

    interval_s: chosen; None for the type's own. paused: by hand, with all subscriptions of the user.
    by_breaker: whether the circuit breaker suspended it.   on_trial: whether its next job decides that.
    """

    type: str
    number: int
    generation: int
    suspended: bool
    params: Mapping[str, Any]
    interval_s: int | None = None
    paused: bool = False
    by_breaker: bool = False
    on_trial: bool = False


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


async def read_subscriptions(store: Store, user: str) -> list[StoredSubscription]:
    """Read the subscriptions of one user, by type; empty if the user is unknown."""
    return (await read_subscriptions_of(store, [user]))[0]


async def read_subscriptions_of(store: Store, users: Sequence[str]) -> list[list[StoredSubscription]]:
    """Read the subscriptions of each of `users`, many users a round trip."""
    found = []
    for first in range(0, len(users), _BATCH_USERS):
        batch = users[first : first + _BATCH_USERS]
        answers = await store.read_all([hgetall(store.keys.subscriptions(user)) for user in batch])
        found += [_read_subscriptions(store, user, rows) for user, rows in zip(batch, answers, strict=True)]
    return found


def _read_subscriptions(store: Store, user: str, rows: Mapping[bytes, bytes]) -> list[StoredSubscription]:
    tasks = [
        store.malformed.read(
            location_of(f"subscriptions:{escape_user(user)}", name), partial(read_subscription, name, value)
        )
        for name, value in sorted(rows.items())
    ]
    return [subscription for subscription in tasks if subscription]


def read_subscription(name: bytes, record: bytes) -> StoredSubscription:
    """Read a subscription's record. Raises any error of UNREADABLE."""
    found = _RECORD.fullmatch(record.decode())
    if found is None:
        raise ValueError(record)
    number, generation = divmod(int(found[1]), 10)
    return StoredSubscription(
        name.decode("ascii"),
        number,
        generation,
        "s" in found[2],
        decode_params(found[4]),
        int(found[3]) if found[3] else None,
        paused="p" in found[2],
        by_breaker=not {"b", "t"}.isdisjoint(found[2]),
        on_trial="t" in found[2],
    )


def decode_params(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any]) if text else {}
