"""The day of a user: what the store knows of each planned run, also of held, dead and left out ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Exclusion, Schedule, TaskType, Weekday
from taskqueue.store.claim import Result
from taskqueue.store.dead import purge_dead, read_dead, retry_dead
from taskqueue.store.pause import pause, resume
from taskqueue.store.user_pauses import pause_user, resume_user
from taskqueue.views.planned_run import NO_JOB
from taskqueue.views.user_history import read_user_history

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskqueue.views.planned_run import PlannedRun
    from tests.store.conftest import World

SYNC = TaskType("sync", Schedule(interval_s=3_600))
HOUR_MS = 3_600_000


async def runs_of(world: World, user: str = "ada") -> list[PlannedRun]:
    return (await read_user_history(world.store, user)).runs


async def end(
    world: World,
    outcome: Outcome,
    hours_ago: int,
    reason: str = "",
    *,
    life_ms: int = HOUR_MS,
    took_hours: int = 0,
) -> None:
    """End the run of some hours ago in its period, or some hours later."""
    now_ms = world.clock.now_ms
    start_s = now_ms // HOUR_MS * 3_600 - hours_ago * 3_600
    await world.occur("sync", start_s, life_ms=life_ms)
    # Near the end of the period, the dues of all places of the period are past.
    await world.clock.set((start_s * 1_000 + HOUR_MS - 700) * 1_000)
    await world.warm()
    (job,) = (await world.claim(lease_ms=24 * HOUR_MS)).jobs
    await world.clock.advance(ms=took_hours * HOUR_MS)
    await world.claim(n=0, results=[Result(job.lease, outcome, 0, reason)])
    await world.clock.set(now_ms * 1_000)


async def pause_the_user(world: World) -> None:
    await pause_user(world.store, "ada")


async def pause_the_type(world: World) -> None:
    await pause(world.store, "sync")


async def suspend_the_subscription(world: World) -> None:
    await world.subscribe("ada", "sync", suspend=True)


async def suspend_the_type(world: World) -> None:
    await world.install(replace(SYNC, suspend=True))


@pytest.mark.parametrize(
    ("hold", "why"),
    [
        (pause_the_user, "the user is paused"),
        (pause_the_type, "paused"),
        (suspend_the_subscription, "suspended"),
        (suspend_the_type, "the type is suspended"),
    ],
)
async def test_dues_of_a_held_subscription_stay_and_name_the_reason(
    world: World, hold: Callable[[World], Awaitable[None]], why: str
) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    before = await runs_of(world)
    await hold(world)
    runs = await runs_of(world)
    assert [run.due for run in runs] == [run.due for run in before]
    assert [run.kind for run in runs] == ["missed"] * 24 + ["held"] * 24
    assert all(run.state.startswith(why) for run in runs)


async def test_runs_after_the_end_of_a_pause_are_planned(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await pause_user(world.store, "ada", 3 * HOUR_MS)
    assert [run.kind for run in await runs_of(world)][24:] == ["held"] * 3 + ["planned"] * 21
    await pause(world.store, "sync", 5 * HOUR_MS)
    assert [run.kind for run in await runs_of(world)][24:] == ["held"] * 5 + ["planned"] * 19
    await world.subscribe("ada", "sync", suspend=True)
    assert {run.kind for run in (await runs_of(world))[24:]} == {"held"}
    await world.subscribe("ada", "sync")
    await resume_user(world.store, "ada")
    await resume(world.store, "sync")
    assert {run.kind: run.state for run in await runs_of(world)} == {"missed": NO_JOB, "planned": "planned"}


async def test_dead_runs_before_the_last_one_are_told_with_their_reasons(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await end(world, Outcome.DEAD, 5, "HTTP 401: the token is revoked")
    await end(world, Outcome.DEAD, 4, "no deadline", life_ms=0)
    await end(world, Outcome.DONE, 3)
    runs = (await runs_of(world))[:24]
    told = [(run.kind, run.state, run.outcome) for run in runs if run.outcome]
    assert told == [
        ("dead", "dead: HTTP 401: the token is revoked", Outcome.DEAD),
        ("dead", "dead: no deadline", Outcome.DEAD),
        ("done", "ended", Outcome.DONE),
    ]
    assert {run.kind for run in runs} == {"unknown", "dead", "done", "missed"}


async def test_a_dead_run_waits_once_it_is_retried_and_is_not_told_once_it_is_purged(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await end(world, Outcome.DEAD, 5, "first")
    await end(world, Outcome.DEAD, 4, "second")
    await end(world, Outcome.DONE, 3)
    first, second = [letter.job for letter in reversed(await read_dead(world.store))]
    await retry_dead(world.store, [first])
    await purge_dead(world.store, [second])
    runs = await runs_of(world)
    assert [run.kind for run in runs][18:23] == ["unknown", "waits", "unknown", "done", "missed"]


async def test_a_run_that_died_late_is_not_taken_for_the_run_that_was_due_then(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    await end(world, Outcome.DEAD, 5, "took two hours", took_hours=2)
    kinds = [run.kind for run in await runs_of(world)]
    assert kinds[kinds.index("dead") :][:4] == ["dead", "unknown", "unknown", "missed"]


async def test_no_run_ends_before_its_due(world: World) -> None:
    await world.install(SYNC)
    await world.subscribe("ada", "sync")
    now_ms = world.clock.now_ms
    due = (await runs_of(world))[20].due
    due_ms = round(due.timestamp() * 1_000)
    assert due_ms % 1_000 > 0
    await world.occur("sync", due_ms // HOUR_MS * 3_600, life_ms=HOUR_MS)
    await world.clock.set(due_ms * 1_000)
    await world.warm()
    (job,) = (await world.claim()).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.DONE)])
    await world.clock.set(now_ms * 1_000)
    assert [run.ended_at for run in await runs_of(world) if run.ended_at] == [due]


@pytest.mark.parametrize(
    ("weekdays", "daily_s", "words"),
    [
        (tuple(Weekday), None, "left out: its type excludes Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
        ((), (0, 86_399), "left out: its type excludes 00:00 to 23:59"),
    ],
)
async def test_excluded_dues_are_told_with_the_words_of_the_rule(
    world: World, weekdays: tuple[Weekday, ...], daily_s: tuple[int, int] | None, words: str
) -> None:
    rule = Exclusion(weekdays=weekdays, daily_s=daily_s)
    await world.install(replace(SYNC, exclude=(Exclusion(dates=((0, 1),)), rule)))
    await world.subscribe("ada", "sync")
    runs = await runs_of(world)
    assert {(run.kind, run.state) for run in runs} == {("excluded", words)}
    assert len(runs) == 48


async def test_only_the_dues_within_excluded_time_are_left_out(world: World) -> None:
    await world.install(replace(SYNC, exclude=(Exclusion(daily_s=(22 * 3_600, 6 * 3_600)),)))
    await world.subscribe("ada", "sync")
    await pause_user(world.store, "ada")
    night = {*range(22, 24), *range(6)}
    assert {run.due.hour for run in await runs_of(world) if run.kind == "excluded"} == night
    assert {run.due.hour for run in await runs_of(world) if run.kind != "excluded"} == {*range(24)} - night
