"""`taskqueue history`: counts of a type by the minute, and planned runs of a user beside their outcomes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.plan.lanes import Lane
from taskqueue.store.claim import Result
from taskqueue.store.history import MINUTE_MS, STARTS, Counts, count, to_counters
from taskqueue.store.lookup import read_user_places
from taskqueue.store.pause import pause
from taskqueue.views.instant import iso
from tests.support.store.commands import Command, commands_on
from tests.support.store.ready import put_ready

if TYPE_CHECKING:
    from tests.store.conftest import World

HOUR = Schedule(interval_s=3600)


@pytest.fixture
def taskqueue(redis_url: str, release: str, world: World) -> Command:
    """Run a command on the store of this test, under its stopped clock."""
    del world
    return commands_on(redis_url, release)


async def answer(taskqueue: Command, *arguments: str) -> Any:
    done = await taskqueue(*arguments, "-o", "json")
    assert done.exit_code == ExitCode.OK, done.output
    return json.loads(done.stdout)


def counters(lateness: int, starts: int, **outcomes: int) -> list[int]:
    by_lateness = [0] * STARTS
    by_lateness[lateness] = starts
    return to_counters(Counts(by_lateness, [outcomes.get(one.name.lower(), 0) for one in Outcome]))


async def test_history_of_a_type_has_a_row_for_each_minute_and_their_sums(
    world: World, taskqueue: Command
) -> None:
    await world.install(TaskType("sync", HOUR))
    now = world.clock.now_ms // MINUTE_MS
    counted = [
        ("sync", now, counters(0, 3, done=2)),
        ("sync", now - 2, counters(3, 4, done=3, retried=1)),
        ("sync", now - 300, counters(7, 9, dead=9)),
    ]
    await count(world.store, "w", 1, counted)
    found = await answer(taskqueue, "history", "type", "sync", "--since", "4m")
    assert [row["at"] for row in found["rows"]] == [iso((now - 4 + k) * MINUTE_MS) for k in range(5)]
    assert [row["started"] for row in found["rows"]] == [0, 0, 4, 0, 3]
    assert (found["started"], found["lateness"]) == (7, [3, 0, 0, 4, 0, 0, 0, 0])
    assert (found["outcomes"]["done"], found["outcomes"]["retried"]) == (5, 1)
    assert (found["stepSeconds"], len(found["latenessBoundsMs"])) == (60, 7)
    table = (await taskqueue("history", "type", "sync", "--since", "4m")).stdout
    assert "<=1s 4" in table
    assert table.rstrip().splitlines()[-1].split() == [
        iso(now * MINUTE_MS)[:16],
        "3",
        "2",
        "0",
        "<=10ms",
        "#" * 22,
    ]


@pytest.mark.parametrize(
    ("since", "step", "rows"), [("6h", 60, 361), ("7h", 300, 85), ("24h", 300, 289), ("200h", 900, 289)]
)
async def test_longer_times_have_longer_steps(
    world: World, taskqueue: Command, since: str, step: int, rows: int
) -> None:
    await world.install(TaskType("sync", HOUR))
    now = world.clock.now_ms // MINUTE_MS
    await count(world.store, "w", 1, [("sync", now - k, counters(0, 1, done=1)) for k in (0, 61, 359)])
    found = await answer(taskqueue, "history", "type", "sync", "--since", since)
    assert (found["stepSeconds"], len(found["rows"])) == (step, rows)
    assert found["started"] == sum(row["started"] for row in found["rows"]) == 3


async def test_removed_type_has_a_history_and_an_unknown_one_has_not(
    world: World, taskqueue: Command
) -> None:
    await world.install()
    await count(world.store, "w", 1, [("gone", world.clock.now_ms // MINUTE_MS, counters(0, 1, done=1))])
    assert (await answer(taskqueue, "history", "type", "gone"))["started"] == 1
    assert (await taskqueue("history", "type", "never")).exit_code == ExitCode.NOT_FOUND
    assert (await taskqueue("history", "user", "never")).exit_code == ExitCode.NOT_FOUND
    assert (await taskqueue("history", "type", "gone", "--since", "soon")).exit_code == ExitCode.USAGE


async def test_user_sees_what_became_of_each_planned_run(world: World, taskqueue: Command) -> None:
    await world.install(TaskType("sync", HOUR))
    await world.subscribe("ada", "sync")
    ((_, place),) = (await read_user_places(world.store, "ada", [("sync", 1)])).items()
    hour_ms = 3_600_000
    now_ms = world.clock.now_ms
    last = (now_ms - place.offset_ms) // hour_ms * hour_ms + place.offset_ms
    # The run of three hours ago ended, the one of an hour ago waits; the plan had one in between.
    ended, waits = last - 2 * hour_ms, last
    await world.clock.set((ended + 1_500) * 1_000)
    await world.warm()
    await put_ready(world.store, Lane.NORMAL, {job_name(ended, place.offset_ms): ended})
    (job,) = (await world.claim()).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.DONE)])
    await world.clock.set(now_ms * 1_000)
    await put_ready(world.store, Lane.NORMAL, {job_name(waits, place.offset_ms): waits})
    runs = {one["due"]: one for one in (await answer(taskqueue, "history", "user", "ada"))["runs"]}
    assert runs.keys() == {
        iso(last + k * hour_ms) for k in range(-24, 26) if abs(last + k * hour_ms - now_ms) <= 24 * hour_ms
    }
    assert runs[iso(ended - hour_ms)]["state"].startswith("not kept")
    assert (runs[iso(ended)]["state"], runs[iso(ended)]["outcome"]) == ("ended", "done")
    assert runs[iso(ended)]["endedAt"] == iso((ended + 1_500) // 1_000 * 1_000)
    assert runs[iso(ended + hour_ms)]["state"].startswith("did not run")
    assert "lane" in runs[iso(waits)]["state"] or "worker" in runs[iso(waits)]["state"]
    assert runs[iso(last + hour_ms)]["state"] == "planned"
    await pause(world.store, "sync")
    runs = {one["due"]: one for one in (await answer(taskqueue, "history", "user", "ada"))["runs"]}
    assert "paused" in runs[iso(last + hour_ms)]["state"]


def job_name(due_ms: int, offset_ms: int) -> str:
    return f"sync|ada|{(due_ms - offset_ms) // 1000}|{offset_ms}|0"


async def test_types_with_few_runs_keep_them_beside_one_with_many(world: World, taskqueue: Command) -> None:
    await world.install(
        TaskType("often", Schedule(interval_s=10)),
        TaskType("nightly", Schedule(cron="0 2 * * *", time_zone="UTC")),
    )
    await world.subscribe("ada", "often", "nightly")
    done = await taskqueue("history", "user", "ada", "--limit", "30", "-o", "json")
    found = json.loads(done.stdout)
    assert found["isCut"]
    assert len(found["runs"]) == 30
    assert [one["due"] for one in found["runs"]] == sorted(one["due"] for one in found["runs"])
    dues = [one["due"] for one in found["runs"] if one["type"] == "often"]
    assert len(dues) == 28
    assert dues[0] < found["now"] < dues[-1]
    assert found["cut"] == [{"type": "often", "since": dues[0], "until": dues[-1]}]
    table = await taskqueue("history", "user", "ada", "--limit", "30")
    assert f"often: only the runs from {dues[0]} to {dues[-1]} are listed" in table.stderr


async def test_types_without_runs_are_told_with_the_reason(world: World, taskqueue: Command) -> None:
    await world.install(TaskType("yearly", Schedule(cron="0 0 29 2 *", time_zone="UTC")))
    await world.subscribe("ada", "gone", "yearly")
    found = await answer(taskqueue, "history", "user", "ada")
    whys = {one["type"]: one["why"] for one in found["withoutRuns"]}
    assert found["runs"] == []
    assert whys["gone"] == "unknown type: no manifest declares it"
    assert "-02-29T00:" in whys["yearly"]
    assert "gone: no run is planned: unknown type" in (await taskqueue("history", "user", "ada")).stderr
