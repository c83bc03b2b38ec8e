"""The task types as the store keeps them: a spec, and the generations of its schedule.

A change of schedule never edits a generation: a new one is dealt beside it and takes over at an instant.
The record's first line is for scripts (see scripts/lib/facts.lua), the rest is JSON.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from taskqueue.models.values import Schedule, TaskType
from taskqueue.plan.replay import Replay
from taskqueue.plan.schedule import window_s
from taskqueue.plan.segment import Segment
from taskqueue.plan.spread import spread_class, stride
from taskqueue.store.connection import Store
from taskqueue.store.errors import CursorLostError, TypesMovedError
from taskqueue.store.fence import UNFENCED, Fence, check

#: A narrow limit spaces its starts this much wider than 1/limit; why is in scripts/lib/narrow.lua.
NARROW_SLACK = 1.02

#: Generations are numbered 1 to 9 in turn: a subscription's record has one digit for it (scripts/lib/deal.lua).
GENERATIONS_MOST = 9

_encode = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Generation:
    """One dealing of a type's subscriptions; it owns the occurrences from_s <= occurrence < until_s (epoch s)."""

    number: int
    schedule: Schedule
    from_s: int = 0
    until_s: int | None = None


@dataclass(frozen=True, slots=True)
class TypeRecord:
    """A task type in the store. `active` emit jobs; `building`, if set, is being dealt and will take over."""

    spec: TaskType
    active: tuple[Generation, ...]
    building: Generation | None = None
    removed: bool = False

    @property
    def newest(self) -> Generation | None:
        """Where new subscriptions are dealt."""
        if self.removed:
            return None
        return self.building or self.active[-1]

    @property
    def held(self) -> tuple[Generation, ...]:
        """Every generation that may hold members."""
        return (*self.active, *((self.building,) if self.building else ()))

    def segments(self) -> list[Segment]:
        """What the plan reads; none while the type is suspended or being removed."""
        spec = self.spec
        if spec.suspend or self.removed:
            return []
        return [
            Segment(
                type=spec.name,
                generation=one.number,
                schedule=one.schedule,
                priority=spec.priority,
                catch_up=spec.catch_up,
                starting_deadline_ms=spec.starting_deadline_ms,
                from_s=one.from_s,
                until_s=one.until_s,
            )
            for one in self.active
        ]


@dataclass(frozen=True, slots=True)
class Catalog:
    """All task types at one version. paused: types an operator paused by hand; rate: effective R, None if unset.

    installed_ms: when the store got its first types (epoch ms), 0 if it never did; it tells stores apart.
    expires_ms: when a pause or limit set for a time first ends by itself (the version stays), or None.
    replay: what is emitted again, after the store lost everything.
    refilling: it lost everything and is being filled; it gets its cursor last.
    """

    version: int
    records: Mapping[str, TypeRecord]
    paused: frozenset[str] = frozenset()
    rate: float | None = None
    installed_ms: int = 0
    expires_ms: int | None = None
    replay: Replay | None = None
    refilling: bool = False

    def segments(self) -> list[Segment]:
        """What the plan reads of the types that run now."""
        return [
            s for name, record in self.records.items() if name not in self.paused for s in record.segments()
        ]


def _spacing_us(limit: float | None) -> int:
    return math.ceil(NARROW_SLACK * 1e6 / limit) if limit else 0


def _line(record: TypeRecord) -> str:
    spec, newest = record.spec, record.newest
    width = window_s(newest.schedule) if newest else 1
    return "|".join(
        str(field)
        for field in (
            spec.priority.value.lower(),
            spec.cost,
            spec.concurrency_policy.value,
            _spacing_us(spec.rate_limit.per_second),
            _spacing_us(spec.rate_limit.per_user_per_second),
            int(spec.suspend or record.removed),
            newest.number if newest else 0,
            stride(width),
            width,
            ";".join(f"{one.number}={spread_class(one.schedule)}" for one in record.held),
        )
    )


def encode_record(record: TypeRecord) -> str:
    return _line(record) + "\n" + msgspec.json.encode(record).decode()


def decode_record(value: bytes) -> TypeRecord:
    return msgspec.json.decode(value.partition(b"\n")[2], type=TypeRecord)


async def read_catalog(store: Store) -> Catalog:
    """Types, pauses and the effective limit, read in one step."""
    now_ms, version, rate, installed, types, overrides, replay, refilling = await store.run("catalog")
    limit, paused, ends = float(rate) if rate else None, set(), []
    for name, value in _fields(overrides):
        text, _, expires = value.decode().partition("|")
        expires_ms = int(expires)
        if expires_ms:
            if expires_ms <= now_ms:
                continue
            ends.append(expires_ms)
        if name == b":limit":
            limit = float(text)
        else:
            paused.add(name.decode())
    records = {name.decode(): decode_record(value) for name, value in sorted(_fields(types))}
    first_end = min(ends, default=None)
    return Catalog(
        int(version or 0),
        records,
        frozenset(paused),
        limit,
        int(installed or 0),
        first_end,
        _decode_replay(replay) if replay else None,
        bool(refilling),
    )


def _decode_replay(value: bytes) -> Replay | None:
    """Return None for one that cannot be read: what is due again is emitted, and more with it."""
    try:
        return msgspec.json.decode(value, type=Replay)
    except ValueError:
        return None


def _fields(flat: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


async def put_types(
    store: Store,
    version: int,
    records: Iterable[TypeRecord],
    *,
    removed: Iterable[str] = (),
    dropped: Iterable[tuple[str, int]] = (),
    before_cursor_ms: int = 0,
    fence: Fence = UNFENCED,
) -> int:
    """Writes records against the version they were made from and returns the new one.

    dropped: (type, generation) whose members are deleted. before_cursor_ms: refuse once the cursor is there.
    Raises TypesMovedError: read the catalog again and decide anew; DeposedError, ForeignOwnerError.
    """
    verdict, now_version = await store.run(
        "put_types",
        version,
        _encode([(record.spec.name, encode_record(record)) for record in records]),
        _encode(list(removed)),
        _encode([(name, str(number)) for name, number in dropped]),
        before_cursor_ms,
        *fence,
    )
    await check(store, verdict, fence)
    if verdict != b"ok":
        raise TypesMovedError
    return int(now_version)


async def read_cursor(store: Store) -> int:
    """The instant (epoch ms) up to which everything was emitted. Raises CursorLostError."""
    value = await store.read("GET", store.keys("cursor"))
    if value is None:
        raise CursorLostError
    return int(value)


async def restore_cursor(store: Store, cursor_ms: int, replay: Replay | None = None) -> bool:
    """Gives a store that lost its cursor one again; never moves one that is there.

    replay: what was lost with it, and is emitted again.
    """
    text = msgspec.json.encode(replay) if replay else ""
    end_ms = replay.end_ms if replay else 0
    return bool(await store.run("install", "cursor", cursor_ms, text, end_ms))


async def mark_installed(store: Store) -> bool:
    """Says that a store without types lost them: tick then waits until its cursor was restored."""
    return bool(await store.run("install", "installed", "", "", 0))


async def set_rate(store: Store, per_second: float) -> None:
    """The configured limit R, starts per second; an override stays in force."""
    await store.run("install", "rate", per_second, "", 0)
