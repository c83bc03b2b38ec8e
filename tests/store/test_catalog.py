"""The catalog: written types are read back, and two writers never undo each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import (
    CatchUp,
    ConcurrencyPolicy,
    Exclusion,
    HttpCall,
    Priority,
    RateLimit,
    Retry,
    Schedule,
    TaskType,
    Weekday,
)
from taskqueue.plan.spread import spread_class, stride
from taskqueue.store.cursor import read_cursor
from taskqueue.store.errors import TypesMovedError
from taskqueue.store.type_record import Generation, TypeRecord, decode_record, encode_record, read_type
from taskqueue.store.types import put_types, read_catalog

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)
NIGHTLY = Schedule(cron="0 2 * * *", time_zone="Europe/Berlin", window_s=1800)
RICH = TaskType(
    "rich",
    NIGHTLY,
    http=HttpCall("https://x.test/a|b", headers={"a": "1|2\n3"}),
    params={"deep": [{"é": None}], "line": "a\nb|c"},
    priority=Priority.HIGH,
    cost=3,
    timeout_ms=1,
    retry=Retry(2, 3, 4),
    rate_limit=RateLimit(0.5),
    concurrency_policy=ConcurrencyPolicy.REPLACE,
    starting_deadline_ms=5,
    catch_up=CatchUp.SKIP,
    suspend=True,
    exclude=(
        Exclusion(weekdays=(Weekday.SAT, Weekday.SUN)),
        Exclusion(dates=((0, 1), (2_932_896, 2_932_896))),
        Exclusion(daily_s=(79_200, 21_600)),
    ),
)
RECORDS = [
    TypeRecord(TaskType("plain", HOUR), (Generation(1, HOUR),)),
    TypeRecord(RICH, (Generation(3, HOUR, 100, 200), Generation(4, NIGHTLY, 200)), Generation(5, HOUR)),
    TypeRecord(RICH, (Generation(3, HOUR),), removed=True),
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_survives_its_encoding(record: TypeRecord) -> None:
    assert decode_record(encode_record(record).encode()) == record


@pytest.mark.parametrize(
    "exclusion",
    [Exclusion(dates=((0, 2_932_897),)), Exclusion(dates=((-1, 0),)), Exclusion(daily_s=(0, 86_401))],
)
def test_a_record_with_a_date_or_a_time_that_does_not_exist_is_unreadable(exclusion: Exclusion) -> None:
    record = replace(RECORDS[0], task_type=replace(RECORDS[0].task_type, exclude=(exclusion,)))
    with pytest.raises(ValueError, match="Exclusion"):
        read_type(b"plain", encode_record(record).encode())


def of_class(schedule: Schedule) -> str:
    family = spread_class(schedule)
    return f"{family.name}~{stride(family.window_s)}~{family.rotation_ms}"


def test_the_line_for_scripts_holds_the_facts() -> None:
    assert encode_record(RECORDS[0]).splitlines()[0] == f"normal|1|Allow|0|0|1|1={of_class(HOUR)}||0|0"
    assert encode_record(RECORDS[1]).splitlines()[0] == (
        f"high|3|Replace|2040000|1|5|3={of_class(HOUR)};4={of_class(NIGHTLY)};5={of_class(HOUR)}||0|0"
    )
    assert encode_record(RECORDS[2]).splitlines()[0] == f"high|3|Replace|2040000|1|0|3={of_class(HOUR)}||0|0"


async def test_written_types_are_read_back(world: World) -> None:
    assert (await read_catalog(world.store)).version == 0
    version = await put_types(world.store, 0, RECORDS[:2])
    catalog = await read_catalog(world.store)
    assert (catalog.version, catalog.records, catalog.rate) == (
        version,
        {"plain": RECORDS[0], "rich": RECORDS[1]},
        None,
    )
    await put_types(world.store, version, [], removed=["plain"])
    assert set((await read_catalog(world.store)).records) == {"rich"}


async def test_a_write_made_from_an_older_version_changes_nothing(world: World) -> None:
    version = await put_types(world.store, 0, RECORDS[:1])
    for old in (0, version - 1, version + 1):
        with pytest.raises(TypesMovedError):
            await put_types(world.store, old, [], removed=["plain"], dropped=[("plain", 1)])
    catalog = await read_catalog(world.store)
    assert (catalog.version, set(catalog.records)) == (version, {"plain"})


async def test_a_takeover_is_refused_once_the_cursor_is_there(world: World) -> None:
    version = await put_types(world.store, 0, RECORDS[:1])
    cursor = await read_cursor(world.store)
    with pytest.raises(TypesMovedError):
        await put_types(world.store, version, [], removed=["plain"], before_ms={"plain": cursor})
    assert await put_types(world.store, version, [], before_ms={"plain": cursor + 1}) == version + 1


async def test_segments_are_those_of_running_types() -> None:
    suspended, active = RECORDS[1], RECORDS[0]
    assert suspended.segments({}) == []
    assert RECORDS[2].segments({}) == []
    (segment,) = active.segments({})
    assert (segment.type, segment.generation, segment.schedule) == ("plain", 1, HOUR)
    assert [one.number for one in suspended.generations] == [3, 4, 5]
