"""Subscriptions that the circuit breaker suspended (scripts/lib/suspensions.lua): why, and how they are resumed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple, cast

import msgspec

from taskqueue.store.command import hget, hlen, hscan, zscore
from taskqueue.store.connection import Store
from taskqueue.store.malformed import location_of, text
from taskqueue.store.scalars import read_ms
from taskqueue.store.script import Script
from taskqueue.store.subscriptions import StoredSubscription
from taskqueue.store.user_key import escape_user, try_read_user
from taskqueue.store.wire import shaped

_FOLLOW_SUSPENDED = Script("follow_suspended", shaped(tuple[int, list[tuple[bytes, bytes, bytes]]]))
_TRY_SUSPENDED = Script("try_suspended", shaped(bytes))
#: Subscriptions that one call looks at: a few milliseconds of the server's time.
_BATCH = 200


class _Record(msgspec.Struct):
    since: int
    reason: str
    failures: int
    trial: str


_decode = msgspec.msgpack.Decoder(_Record).decode


@dataclass(frozen=True, slots=True)
class Suspension:
    """A suspension. reason: of the last dead letter.   failures: in a row.   trial: the job that decides, or empty.

    next_ms: when the next job is let through; 0: a scheduler has not written the suspension down yet.
    on_trial: whether it is.
    """

    since_ms: int
    reason: str
    failures: int
    trial: str
    next_ms: int = 0
    on_trial: bool = False


EventName = Literal["suspended", "trial", "resumed"]


class Event(NamedTuple):
    """What happened to a subscription since the last look: it was suspended, a job is let through, or it runs again."""

    name: EventName
    type: str
    user: str


Verdict = Literal["ok", "active", "unknown"]


async def try_suspended(store: Store, task_type: str, user: str) -> Verdict:
    """Let the next job of a suspended subscription through; its outcome decides whether the suspension is over.

    Returns `active` where the circuit breaker has not suspended the subscription, `unknown` without one.
    """
    return cast("Verdict", (await store.run(_TRY_SUSPENDED, task_type, escape_user(user))).decode())


async def follow_suspended(store: Store) -> tuple[list[Event], bool]:
    """Have schedules follow the circuit breaker; return what happened, and whether there is more to do."""
    more, rows = await store.run(_FOLLOW_SUSPENDED, _BATCH)
    events = [
        Event(cast("EventName", text(name)), text(task_type), _user(user)) for name, task_type, user in rows
    ]
    return events, more == 1


async def count_suspended(store: Store, types: Sequence[str]) -> dict[str, int]:
    """Count the suspended subscriptions of each of `types`."""
    counts = await store.read_all([hlen(store.keys.suspended(name)) for name in types])
    return dict(zip(types, counts, strict=True))


#: Of a subscription whose suspension cannot be read.
_UNKNOWN = Suspension(0, "", 0, "")


async def find_suspension(store: Store, user: str, subscription: StoredSubscription) -> Suspension | None:
    """Read the suspension of a subscription; None for one that the circuit breaker has not suspended."""
    if not subscription.by_breaker:
        return None
    task_type, field = subscription.type, escape_user(user)
    value = await store.read(hget(store.keys.suspended(task_type), field))
    next_ms = await store.read(zscore(store.keys("suspended"), f"{task_type}|{field}"))
    found = _read_noted(store, task_type, field.encode(), value) if value else _UNKNOWN
    return replace(found, next_ms=int(next_ms or 0), on_trial=subscription.on_trial)


async def scan_suspensions(
    store: Store, task_type: str, batch: int = 1_000
) -> AsyncIterator[tuple[str, Suspension]]:
    """Yield every suspended user of a type, read a batch at a time; some perhaps twice."""
    async for rows in store.scan(hscan(store.keys.suspended(task_type), batch)):
        for field, value in rows:
            yield _user(field), _read_noted(store, task_type, field, value)


def _user(field: bytes) -> str:
    return try_read_user(field.decode("ascii", "replace"))


def _read_noted(store: Store, task_type: str, field: bytes, value: bytes) -> Suspension:
    """Read a suspension of a user, and note it if it cannot be read."""
    location = location_of(f"suspended:{task_type}", field)
    return store.malformed.read(location, partial(read_suspension, value)) or _UNKNOWN


def read_suspension(value: bytes) -> Suspension:
    """Read a suspension. Raises any error of UNREADABLE."""
    record = _decode(value)
    return Suspension(read_ms(record.since), record.reason, record.failures, record.trial)
