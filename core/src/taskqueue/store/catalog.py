"""The task types as the store keeps them: a spec, and the generations of its schedule.

A change of schedule never edits a generation: a new one is dealt beside it and takes over at an instant.
The record's first line is for scripts (see scripts/lib/facts.lua), the rest is JSON.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

import msgspec

from taskqueue.models.identity import NAME_PATTERN
from taskqueue.models.locked_params import Locks
from taskqueue.models.values import Schedule, TaskType
from taskqueue.plan.lanes import lane_of
from taskqueue.plan.limiter import own_spacing_us
from taskqueue.plan.replay import Replay
from taskqueue.plan.schedule import window_s
from taskqueue.plan.segment import Segment
from taskqueue.plan.spread import spread_class, stride
from taskqueue.store.connection import Store, pairs
from taskqueue.store.errors import CursorLostError, TypesMovedError
from taskqueue.store.fence import UNFENCED, Fence, check
from taskqueue.store.malformed import place_of, text

#: Generations are numbered 1 to 9 in turn: a subscription's record has one digit for it (scripts/lib/deal.lua).
GENERATIONS_MOST = 9

_encode = msgspec.msgpack.Encoder().encode

_LIMIT = b":limit"
#: As in scripts/lib/limiter.lua and base.lua.
_RATE_MIN, _RATE_MAX = 1e-6, 1e9
_RATE = re.compile(rb"[0-9.e+-]+")
_DIGITS_MAX = 16
_NAME = re.compile(NAME_PATTERN)
_decode_replay = msgspec.json.Decoder(Replay).decode
_CURSOR_END_MS = 10**14


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
    unreadable: types whose records are there and cannot be read by Python, by scripts or by both; those that Python can
    read are among the records.
    """

    version: int
    records: Mapping[str, TypeRecord]
    paused: frozenset[str] = frozenset()
    rate: float | None = None
    installed_ms: int = 0
    expires_ms: int | None = None
    replay: Replay | None = None
    refilling: bool = False
    unreadable: frozenset[str] = frozenset()

    def segments(self) -> list[Segment]:
        """What the plan reads of the types that run now."""
        return [
            s for name, record in self.records.items() if name not in self.paused for s in record.segments()
        ]


def _line(record: TypeRecord) -> str:
    spec, newest = record.spec, record.newest
    width = window_s(newest.schedule) if newest else 1
    return "|".join(
        str(field)
        for field in (
            lane_of(spec.priority),
            spec.cost,
            spec.concurrency_policy.value,
            own_spacing_us(spec.rate_limit.per_second),
            own_spacing_us(spec.rate_limit.per_user_per_second),
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
    """Read a record. Raises ValueError, also where it is another type's, or not one that a schedule can follow."""
    return msgspec.json.decode(value.partition(b"\n")[2], type=TypeRecord)


async def read_catalog(store: Store) -> Catalog:
    """Types, pauses and the effective limit, read in one step."""
    now_ms, version, rate, installed, types, overrides, replay, refilling = await store.run("catalog")
    malformed = store.malformed
    limit = malformed.read("config rate", partial(read_rate, rate)) if rate else None
    paused, ends = set(), []
    for name, value in pairs(overrides):
        over = malformed.read(place_of("overrides", name), partial(read_override, name, value))
        if over is None or (over.expires_ms and over.expires_ms <= now_ms):
            continue
        if over.expires_ms:
            ends.append(over.expires_ms)
        if over.type:
            paused.add(over.type)
        else:
            limit = over.rate
    records, unreadable = {}, set()
    for name, value in sorted(pairs(types)):
        place = place_of("types", name)
        read = malformed.read(place, partial(read_type, name, value))
        if read is None:
            unreadable.add(text(name))
            continue
        record, as_ours = read
        records[record.spec.name] = record
        if not as_ours:
            unreadable.add(record.spec.name)
            malformed.add(place, "its line for scripts is not that of the record")
    return Catalog(
        int(version),
        records,
        frozenset(paused),
        limit,
        int(installed or 0),
        min(ends, default=None),
        malformed.read("config replay", partial(_decode_replay, replay)) if replay else None,
        bool(refilling),
        frozenset(unreadable),
    )


async def read_locks(store: Store, names: Sequence[str]) -> Locks:
    """Read which params some types lock; nothing of those that are not there, or cannot be read."""
    values = await store.read("HMGET", store.keys("types"), *names) if names else []
    read = [
        store.malformed.read(place_of("types", name.encode()), partial(read_type, name.encode(), value))
        for name, value in zip(names, values, strict=True)
        if value is not None
    ]
    return Locks.of(one[0].spec for one in read if one)


class _Override(NamedTuple):
    """type: that is paused, or empty: the limit is replaced by `rate`, None: nothing starts. expires_ms 0: never."""

    type: str
    rate: float | None
    expires_ms: int


def read_override(name: bytes, value: bytes) -> _Override:
    """Read a pause, or what replaces the limit. Raises what UNREADABLE names."""
    if not name:  # no type has this name, and it would be taken for the limit's
        raise ValueError(name)
    detail, _, expires = value.decode("ascii").partition("|")
    expires_ms = read_whole(expires)
    if name == _LIMIT:
        return _Override("", read_rate(detail.encode()), expires_ms)
    return _Override(name.decode("ascii"), None, expires_ms)


def read_rate(value: bytes) -> float | None:
    """Read a limit as scripts do (lib/limiter.lua); 0 starts nothing."""
    if not _RATE.fullmatch(value):  # no 1_0, which scripts cannot read, and no 0x10, which Python cannot
        raise ValueError(value)
    rate = float(value)
    if rate and not _RATE_MIN <= rate <= _RATE_MAX:
        raise ValueError(value)
    return rate or None


def read_whole(digits: str) -> int:
    """Read a whole number as scripts do (lib/base.lua). Raises ValueError."""
    if not digits.isascii() or not digits.isdigit() or len(digits) > _DIGITS_MAX:
        raise ValueError(digits)
    return int(digits)


@lru_cache(maxsize=1_024)
def read_type(name: bytes, value: bytes) -> tuple[TypeRecord, bool]:
    """Read a record that scheduling can follow, and whether its line for scripts is that of the record.

    Every process reads all of them every second, mostly as they were. Raises what UNREADABLE names.
    """
    record = decode_record(value)
    spec, numbers = record.spec, [one.number for one in record.held]
    if spec.name.encode() != name or not _NAME.fullmatch(spec.name):
        raise ValueError(spec.name)
    if len(numbers) != len(set(numbers)) or min(numbers, default=0) < 1 or max(numbers) > GENERATIONS_MOST:
        raise ValueError(numbers)
    for schedule in (spec.schedule, *(one.schedule for one in record.held)):
        if (schedule.interval_s is None) == (schedule.cron is None) or min(_lengths(schedule), default=1) < 1:
            raise ValueError(schedule)
        window_s(schedule)  # a cron expression that cannot be read
    narrow = spec.rate_limit
    limits = [limit for limit in (narrow.per_second, narrow.per_user_per_second) if limit is not None]
    if min(spec.cost, spec.timeout_ms) < 1 or not all(_RATE_MIN <= limit <= _RATE_MAX for limit in limits):
        raise ValueError(spec.name)
    ours = _line(record).encode()
    line = value.partition(b"\n")[0]
    return record, line == ours or line.startswith(ours + b"|")  # another release may say more


def _lengths(schedule: Schedule) -> list[int]:
    return [length for length in (schedule.interval_s, schedule.window_s) if length is not None]


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
    cursor = store.malformed.read("cursor", partial(_cursor, value)) if value is not None else None
    if cursor is None:
        raise CursorLostError
    return cursor


def _cursor(value: bytes) -> int:
    cursor_ms = read_whole(value.decode("ascii"))
    if cursor_ms >= _CURSOR_END_MS:
        raise ValueError(cursor_ms)
    return cursor_ms


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
