"""Overrides: a manual setting holds until cleared, or until its time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.limits import clear_rate, override_rate, set_rate
from taskqueue.store.pause import pause, resume
from taskqueue.store.types import read_catalog
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)


async def rates(world: World) -> tuple[float | None, float]:
    """The limit as the catalog says it, and as claim applies it."""
    return (await read_catalog(world.store)).rate, round((await world.claim(n=0)).rate, 6)


async def test_an_overridden_limit_outlives_new_configuration(world: World) -> None:
    await world.install(rate=100)
    await override_rate(world.store, 30)
    await set_rate(world.store, 200)
    assert await rates(world) == (30, 30)
    assert await clear_rate(world.store)
    assert await rates(world) == (200, 200)
    assert not await clear_rate(world.store)


@pytest.mark.parametrize(
    ("for_ms", "passed_ms", "expected"),
    [(0, 10**9, 30.0), (60_000, 59_999, 30.0), (60_000, 60_000, 100.0), (-1, 0, 100.0)],
)
async def test_an_override_ends_by_itself(world: World, for_ms: int, passed_ms: int, expected: float) -> None:
    await world.install(rate=100)
    await override_rate(world.store, 30, for_ms)
    await world.clock.advance(ms=passed_ms)
    assert await rates(world) == (expected, expected)


async def test_a_zero_limit_stops_all_starts_until_cleared(world: World) -> None:
    await world.install(TaskType("sync", HOUR), rate=100)
    await world.enqueue("sync", "u")
    await override_rate(world.store, 0)
    assert (await world.claim()).jobs == []
    await clear_rate(world.store)
    assert len((await world.claim()).jobs) == 1


@pytest.mark.parametrize(
    ("for_ms", "passed_ms", "paused"),
    [(0, 10**9, True), (60_000, 59_999, True), (60_000, 60_000, False), (-1, 0, False)],
)
async def test_a_paused_type_has_no_segments_and_no_scheduled_starts(
    world: World, for_ms: int, passed_ms: int, paused: bool
) -> None:
    await world.install(TaskType("sync", HOUR), TaskType("send", HOUR))
    await world.subscribe("u", "sync", "send")
    await world.occur("sync")
    await world.occur("send")
    await pause(world.store, "sync", for_ms)
    await world.clock.advance(ms=passed_ms)
    catalog = await read_catalog(world.store)
    left = {"send"} if paused else {"send", "sync"}
    assert catalog.paused.keys() == ({"sync"} if paused else set())
    assert {segment.type for segment in catalog.segments()} == left
    assert {job.lease.split("|")[0] for job in (await world.claim()).jobs} == left
    assert await resume(world.store, "sync")
    assert not await resume(world.store, "sync")


async def test_every_change_moves_the_version(world: World) -> None:
    await world.install(TaskType("sync", HOUR))
    seen = {(await read_catalog(world.store)).version}
    for change in (
        pause(world.store, "sync"),
        resume(world.store, "sync"),
        override_rate(world.store, 1),
        clear_rate(world.store),
    ):
        await change
        seen.add((await read_catalog(world.store)).version)
    assert len(seen) == 5


@pytest.mark.parametrize("text", ["0x10", "1_0", " 7", "inf", "1e1", "10.0"])
async def test_scripts_and_readers_agree_about_a_limit(world: World, text: str) -> None:
    await world.install(rate=50)
    await raw(world.store).hset(world.store.keys("overrides"), ":limit", f"{text}|0")
    expected = 10.0 if text in {"1e1", "10.0"} else 50.0
    assert await rates(world) == (expected, expected)


async def test_a_pause_of_no_type_leaves_the_limit_alone(world: World) -> None:
    await world.install(rate=50)
    await raw(world.store).hset(world.store.keys("overrides"), "", "paused|0")
    assert await rates(world) == (50, 50)
    assert list(world.store.malformed.locations) == ["overrides "]
