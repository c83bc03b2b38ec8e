"""Subscriptions of users, one record each, read; `users` and `subscribe` write them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from taskqueue.store.command import hgetall
from taskqueue.store.connection import Store
from taskqueue.store.malformed import location_of
from taskqueue.store.user_key import escape_user

#: Users whose subscriptions one round trip reads.
_BATCH_USERS = 500
#: A subscription's record, as scripts/lib/deal.lua writes it.
_RECORD = re.compile(r"([0-9]{1,16})([a-z]*)(?::([0-9]{1,12}))?(.*)", re.DOTALL)


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
