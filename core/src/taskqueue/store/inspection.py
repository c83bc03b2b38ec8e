"""Inspection of every key and value of a release: the repairs of values that cannot be read.

It walks all keys of the server and all values of the release, a batch at a time: for `taskqueue audit --repair`.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from taskqueue.models.identity import USER_ID_PATTERN
from taskqueue.plan.lanes import Lane
from taskqueue.store.command import hscan, type_of, zscan, zscore
from taskqueue.store.connection import Store
from taskqueue.store.dead import read_dead_letter
from taskqueue.store.generations import redeal
from taskqueue.store.job_name import parse
from taskqueue.store.listing import read_handler, read_waiting, read_worker
from taskqueue.store.malformed import UNREADABLE
from taskqueue.store.overrides import read_override
from taskqueue.store.repair import Action, Repair
from taskqueue.store.scalars import END_US, MAX_GENERATIONS, WAITING_ROOM, read_rate, read_whole
from taskqueue.store.type_record import read_type
from taskqueue.store.users import read_run, read_stored_user, read_subscription

#: Repairs of one inspection. A store with more of them needs another inspection.
MAX_REPAIRS = 10_000
_BATCH = 1_000
_USER = re.compile(USER_ID_PATTERN.encode())
_LIMIT = re.compile(rb"(type|user):[A-Za-z0-9._@+-]{1,128}")
_ATTEMPTS = re.compile(rb"[0-9]{1,6}\|[0-9]{1,6}(\|[0-9]{1,6}s?)?")

#: Both raise any error of UNREADABLE.
_ReadField = Callable[[bytes, bytes], object]
_ReadMember = Callable[[bytes, float], object]


@dataclass(frozen=True, slots=True)
class _Location:
    """A family of keys: their type, the reader of their fields or members, and the repair of unreadable ones."""

    type: str
    field: _ReadField | None = None
    member: _ReadMember | None = None
    action: Action = "field"


def _number(name: bytes, value: bytes) -> object:
    return name.decode("ascii"), read_whole(value.decode("ascii"))


def _limiter(name: bytes, value: bytes) -> object:
    number = 0.0 if name in {b"server_run", b"closed_by"} else float(value)
    if not number.is_integer() or abs(number) >= END_US:
        raise ValueError(value)
    return number


def _config(name: bytes, value: bytes) -> object:
    if name == b"rate":
        return read_rate(value)
    return _number(name, value) if name in {b"version", b"epoch"} else value.decode()


def _pair(name: bytes, value: bytes) -> object:
    first, _, second = value.decode("ascii").partition("|")
    return name.decode(), read_whole(first), read_whole(second)


def _attempts(name: bytes, value: bytes) -> object:
    if not _ATTEMPTS.fullmatch(value):
        raise ValueError(value)
    return parse(name.decode("ascii"))


def _of_job(name: bytes, _value: bytes) -> object:
    return parse(name.decode("ascii"))


def _member_of_schedule(member: bytes, score: float) -> object:
    if not _USER.fullmatch(member) or not float(score).is_integer():
        raise ValueError(member)
    return score


def _freed(member: bytes, score: float) -> object:
    if read_whole(member.decode("ascii")) != score:
        raise ValueError(member)
    return score


def _limit(member: bytes, score: float) -> object:
    if not _LIMIT.fullmatch(member) or not -1 <= score < END_US:
        raise ValueError(member)
    return score


def _dead(member: bytes, score: float) -> object:
    return read_waiting("dead", member, score)


def _family(name: str) -> _Location | None:
    """Return the family of a key by its name in the release; None for unknown keys and keys with a TTL."""
    for pattern, location in _KEY_FAMILIES.items():
        if pattern.fullmatch(name):
            return location
    return None


def _waiting_member(member: bytes, score: float) -> object:
    return read_waiting("queue", member, score)


_KEY_FAMILIES: Mapping[re.Pattern[str], _Location] = {
    re.compile(pattern): location
    for pattern, location in {
        r"config": _Location("hash", _config),
        r"installed|cursor": _Location("string"),
        r"types": _Location("hash", read_type, action="type"),
        r"overrides": _Location("hash", read_override),
        r"users": _Location("hash", read_stored_user),
        r"subscriptions:[^:]+": _Location("hash", read_subscription, action="subscription"),
        r"runs:[^:]+": _Location("hash", lambda _, value: read_run(value)),
        r"schedule:[^:]+:\d+": _Location("zset", member=_member_of_schedule),
        r"spread:.+:free": _Location("zset", member=_freed),
        r"spread:.+": _Location("string"),
        rf"ready:({'|'.join(Lane)})": _Location("zset", member=_waiting_member),
        r"parked:.+": _Location("zset", member=_waiting_member),
        r"suspects": _Location("zset", member=_waiting_member),
        r"limits_free_at|limits_closed_until": _Location("zset", member=_limit),
        r"leases": _Location("zset", member=partial(read_waiting, "leased")),
        r"exclusive": _Location("hash", lambda name, value: (name.decode("ascii"), value.decode("ascii"))),
        r"attempts": _Location("hash", _attempts),
        r"payload": _Location("hash", _of_job),
        r"dead": _Location("zset", member=_dead),
        r"dead:body": _Location("hash", read_dead_letter),
        r"limiter": _Location("hash", _limiter),
        r"service_times": _Location("hash", _pair),
        r"metrics": _Location("hash", _number),
        r"workers": _Location("hash", read_worker),
        r"handlers": _Location("hash", read_handler),
        r"malformed": _Location("hash"),
        r"limit:.+|enqueued:.+": _Location("string"),
        r"claims:.+": _Location("hash"),
        r"wakeup_tokens": _Location("list"),
    }.items()
}


async def inspect(store: Store) -> list[Repair]:
    """Return the repairs that the release needs, at most MAX_REPAIRS."""
    found: list[Repair] = []
    batch: list[bytes] = []
    async for key in store.scan_keys(_BATCH):
        batch.append(key)
        if len(batch) == _BATCH:
            found += [one async for one in _inspect_keys(store, batch)]
            batch = []
        if len(found) >= MAX_REPAIRS:
            return found[:MAX_REPAIRS]
    return (found + [one async for one in _inspect_keys(store, batch)])[:MAX_REPAIRS]


async def wake_parked(store: Store) -> list[Repair]:
    """Return how jobs that wait for a limit are looked at again, after `limits_free_at` was lost."""
    prefix = store.keys("parked", "").encode()
    limits = [key.removeprefix(prefix) async for key in store.scan_keys(_BATCH) if key.startswith(prefix)]
    return [Repair("parked", "limits_free_at", limit) for limit in limits]


async def release_subscribers(store: Store, repairs: list[Repair]) -> None:
    """Move the subscriptions of types whose records are about to be removed to the generation that waits for a type."""
    for one in repairs:
        if one.action == "type" and one.field.isascii():
            for number in range(1, MAX_GENERATIONS + 1):
                await redeal(store, one.field.decode(), number, WAITING_ROOM)


async def _inspect_keys(store: Store, keys: list[bytes]) -> AsyncIterator[Repair]:
    types = await store.read_all([type_of(key) for key in keys])
    for key, key_type in zip(keys, types, strict=True):
        name = key.decode(errors="replace").removeprefix(store.keys.prefix)
        location = _family(name)
        if location is None or key_type == b"none":
            continue
        if key_type.decode() != location.type:
            yield Repair("key", name, b"", location.type.encode())
            continue
        limit = name.removeprefix("parked:")
        if limit != name and await store.read(zscore(store.keys("limits_free_at"), limit)) is None:
            yield Repair("parked", "limits_free_at", limit.encode())
        async for one in _inspect_values(store, name, location):
            yield one


async def _inspect_values(store: Store, name: str, location: _Location) -> AsyncIterator[Repair]:
    if location.field:
        async for rows in store.scan(hscan(store.keys(name), _BATCH)):
            for one in _fields(name, location, rows):
                yield one
    elif location.member:
        async for members in store.scan(zscan(store.keys(name), _BATCH)):
            for one in _members(name, location, members):
                yield one


def _fields(name: str, location: _Location, rows: list[tuple[bytes, bytes]]) -> Iterator[Repair]:
    assert location.field
    for field, value in rows:
        try:
            location.field(field, value)
        except UNREADABLE:
            yield Repair(location.action, name, field, value)


def _members(name: str, location: _Location, rows: list[tuple[bytes, float]]) -> Iterator[Repair]:
    assert location.member
    for member, score in rows:
        try:
            location.member(member, float(score))
        except UNREADABLE:
            yield _mend_member(name, location.member, member)


def _mend_member(name: str, read: _ReadMember, member: bytes) -> Repair:
    """Return the repair of a member: the score 0, which means at once, if its name can be read; else its removal."""
    try:
        read(member, 0.0)
    except UNREADABLE:
        return Repair("member", name, member)
    keeps = name.startswith(("ready:", "parked:")) or name in {"suspects", "leases", "limits_free_at", "dead"}
    return Repair("score", name, member, b"0") if keeps else Repair("member", name, member)
