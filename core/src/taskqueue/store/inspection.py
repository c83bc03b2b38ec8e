"""Inspection of every key and value of a release: the repairs of values that cannot be read.

It walks all keys of the server and all values of the release, a batch at a time: for `taskqueue audit --repair`.
"""

from collections.abc import AsyncIterator, Iterator

from taskqueue.store.command import hscan, type_of, zscan, zscore
from taskqueue.store.connection import Store
from taskqueue.store.families import Family, ReadMember, family_of
from taskqueue.store.generations import redeal
from taskqueue.store.malformed import UNREADABLE
from taskqueue.store.repair import Repair
from taskqueue.store.scalars import MAX_GENERATIONS, WAITING_ROOM

#: Repairs of one inspection. A store with more of them needs another inspection.
MAX_REPAIRS = 10_000
_BATCH = 1_000
#: The indexes of waiting jobs: without its entry there a job never starts.
INDEXES = ("limits_free_at", "lanes_busy", "lanes_due")


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


async def rebuild_indexes(store: Store) -> list[Repair]:
    """Return the repairs that enter all waiting jobs into INDEXES again, after one of these was lost."""
    return [
        found
        async for key in store.scan_keys(_BATCH)
        if (found := _index_entry(key.decode(errors="replace").removeprefix(store.keys.prefix)))
    ]


def _index_entry(name: str) -> Repair | None:
    """Return the repair that enters the jobs of a key into their index; None for a key without waiting jobs."""
    family, _, rest = name.partition(":")
    if family == "parked":
        return Repair("parked", "limits_free_at", rest.encode())
    if family == "ready":
        return Repair("lane", "lanes_due", rest.encode())
    return None


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
        family = family_of(name)
        if family is None or key_type == b"none":
            continue
        if key_type.decode() != family.type:
            yield Repair("key", name, b"", family.type.encode())
            continue
        entry = _index_entry(name)
        if entry and not await _is_indexed(store, entry):
            yield entry
        async for one in _inspect_values(store, name, family):
            yield one


async def _is_indexed(store: Store, entry: Repair) -> bool:
    indexes = [entry.name] if entry.action == "parked" else ["lanes_busy", "lanes_due"]
    scores = await store.read_all([zscore(store.keys(index), entry.field.decode()) for index in indexes])
    return any(score is not None for score in scores)


async def _inspect_values(store: Store, name: str, family: Family) -> AsyncIterator[Repair]:
    if family.field:
        async for rows in store.scan(hscan(store.keys(name), _BATCH)):
            for one in _fields(name, family, rows):
                yield one
    elif family.member:
        async for members in store.scan(zscan(store.keys(name), _BATCH)):
            for one in _members(name, family, members):
                yield one


def _fields(name: str, family: Family, rows: list[tuple[bytes, bytes]]) -> Iterator[Repair]:
    assert family.field
    for field, value in rows:
        try:
            family.field(field, value)
        except UNREADABLE:
            yield Repair(family.action, name, field, value)


def _members(name: str, family: Family, rows: list[tuple[bytes, float]]) -> Iterator[Repair]:
    assert family.member
    for member, score in rows:
        try:
            family.member(member, float(score))
        except UNREADABLE:
            yield _mend_member(name, family.member, member)


def _mend_member(name: str, read: ReadMember, member: bytes) -> Repair:
    """Return the repair of a member: the score 0, which means at once, if its name can be read; else its removal."""
    try:
        read(member, 0.0)
    except UNREADABLE:
        return Repair("member", name, member)
    keeps = name.startswith(("ready:", "parked:")) or name in {"suspects", "leases", "dead", *INDEXES}
    return Repair("score", name, member, b"0") if keeps else Repair("member", name, member)
