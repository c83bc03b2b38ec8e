"""Task types in the store: all records at one version."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType

import msgspec

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.time_zone import time_zone_names
from taskqueue.models.values import Limit
from taskqueue.plan.replay import Replay
from taskqueue.plan.segment import Segment
from taskqueue.store.connection import Store
from taskqueue.store.errors import TypesMovedError
from taskqueue.store.fence import UNFENCED, Fence, check
from taskqueue.store.limit_record import encode_limit
from taskqueue.store.malformed import location_of, text
from taskqueue.store.named_types import read_limits
from taskqueue.store.overrides import Override, read_override
from taskqueue.store.scalars import read_rate
from taskqueue.store.script import Script
from taskqueue.store.tick import read_behind
from taskqueue.store.type_record import TypeRecord, encode_record, read_type
from taskqueue.store.wire import pack, pairs, shaped


class _Answer(msgspec.Struct, array_like=True, frozen=True):
    now_ms: int
    version: bytes | int
    rate: bytes | None
    installed_ms: bytes | int | None
    types: list[bytes]
    overrides: list[bytes]
    replay: bytes | None
    refilling: bytes | None
    limits: list[bytes]
    behind: list[bytes]
    variants: list[bytes]


_CATALOG = Script("catalog", shaped(_Answer))
_PUT_TYPES = Script("put_types", shaped(tuple[bytes, int]))
_PUT_LIMITS = Script("put_limits", shaped(tuple[bytes, int]))
_decode_replay = msgspec.json.Decoder(Replay).decode


@dataclass(frozen=True, slots=True)
class Catalog:
    """All task types at one version. rate: in force, None if no job starts.

    paused: types that were paused by hand, and the ends of the pauses (epoch ms), 0 for none.

    configured_rate: in force without an override.
    installed_ms: the time at which the store got its first types (epoch ms), 0 if never; it tells stores apart.
    expires_ms: the first end of a pause or override that was set for a time (the version stays), or None.
    replay: jobs that are emitted again, after the store lost everything.
    refilling: the store lost everything and is being filled; it gets its cursor last.
    unreadable: types whose records cannot be read by Python, by scripts or by both; the ones that Python can read are
    among the records.
    behind: types whose queue was full, and the instants up to which their jobs were emitted (ms).
    variants: numbers of the zones of users and of the intervals that subscriptions choose, by name.
    stored_variants: the number of all; those with a zone that this process does not know are not in `variants`.
    limits: by name, as published.   overrides: values set by hand and in force, by the limit's name.
    """

    version: int
    records: Mapping[str, TypeRecord]
    paused: Mapping[str, int] = field(default_factory=dict)
    rate: float | None = None
    installed_ms: int = 0
    expires_ms: int | None = None
    replay: Replay | None = None
    refilling: bool = False
    unreadable: frozenset[str] = frozenset()
    limits: Mapping[str, Limit] = field(default_factory=dict)
    behind: Mapping[str, int] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    variants: Mapping[str, int] = field(default_factory=dict)
    stored_variants: int = 0
    configured_rate: float | None = None

    def segments(self) -> list[Segment]:
        """Return the segments of the plan for all types that are not paused."""
        return [
            segment
            for name, record in self.records.items()
            if name not in self.paused
            for segment in record.segments(self.variants)
        ]


async def read_catalog(store: Store) -> Catalog:
    """Read types, limits, pauses and the rate in force, in one step."""
    answer = await store.run(_CATALOG)
    malformed, replay = store.malformed, answer.replay
    rate = malformed.read("config rate", partial(read_rate, answer.rate)) if answer.rate else None
    paused, overrides, ends = dict[str, int](), dict[str, Override](), []
    for name, value in pairs(answer.overrides):
        over = malformed.read(location_of("overrides", name), partial(read_override, name, value))
        if over is None or (over.expires_ms and over.expires_ms <= answer.now_ms):
            continue
        if over.expires_ms:
            ends.append(over.expires_ms)
        if over.type:
            paused[over.type] = over.expires_ms
        else:
            overrides[over.limit] = over
    records, unreadable = {}, set()
    for name, value in sorted(pairs(answer.types)):
        location = location_of("types", name)
        read = malformed.read(location, partial(read_type, name, value))
        if read is None:
            unreadable.add(text(name))
            continue
        record, as_ours = read
        records[record.task_type.name] = record
        if not as_ours:
            unreadable.add(record.task_type.name)
            malformed.add(location, "its line for scripts is not that of the record")
    return Catalog(
        int(answer.version),
        records,
        paused,
        overrides[GLOBAL_LIMIT].rate if GLOBAL_LIMIT in overrides else rate,
        int(answer.installed_ms or 0),
        min(ends, default=None),
        malformed.read("config replay", partial(_decode_replay, replay)) if replay else None,
        bool(answer.refilling),
        frozenset(unreadable),
        dict(read_limits(store, pairs(answer.limits))),
        read_behind(answer.behind),
        overrides,
        dict(_read_variants(store, answer.variants)),
        len(answer.variants) // 2,
        rate,
    )


def _read_variants(store: Store, variants: list[bytes]) -> Iterator[tuple[str, int]]:
    """Yield name and number of each variant; skip zones that this process cannot plan."""
    for key, value in pairs(variants):
        name = key.decode("ascii")
        if name.isdigit() or name in time_zone_names():
            yield name, int(value)
        else:
            store.malformed.add(
                location_of("variants", key),
                "is no time zone of this version: cron types without a zone run for none of its users",
            )


async def put_types(
    store: Store,
    version: int,
    records: Iterable[TypeRecord],
    *,
    removed: Iterable[str] = (),
    dropped: Iterable[tuple[str, int]] = (),
    before_ms: Mapping[str, int] = MappingProxyType({}),
    fence: Fence = UNFENCED,
) -> int:
    """Write records that were made from `version`; return the new version.

    dropped: (type, generation) whose members are deleted. before_ms: refuse once one of these types
    was emitted up to its instant (epoch ms).
    Raises TypesMovedError if the store has another version by now: read the catalog and decide again; DeposedError,
    ForeignOwnerError.
    """
    verdict, now_version = await store.run(
        _PUT_TYPES,
        version,
        pack([(record.task_type.name, encode_record(record)) for record in records]),
        pack(list(removed)),
        pack([(name, str(number)) for name, number in dropped]),
        pack(list(before_ms.items())),
        *fence,
    )
    await check(store, verdict, fence)
    if verdict != b"ok":
        raise TypesMovedError
    return int(now_version)


async def put_limits(
    store: Store,
    version: int,
    limits: Iterable[Limit],
    *,
    removed: Iterable[str] = (),
    fence: Fence = UNFENCED,
) -> int:
    """Write limits that were made from `version`; return the new version. Raises as `put_types` does."""
    verdict, now_version = await store.run(
        _PUT_LIMITS,
        version,
        pack([(limit.name, encode_limit(limit)) for limit in limits]),
        pack(list(removed)),
        *fence,
    )
    await check(store, verdict, fence)
    if verdict != b"ok":
        raise TypesMovedError
    return int(now_version)
