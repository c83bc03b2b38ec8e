"""`taskqueue cancel` on a real store: numbers, names, exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.claim import Result
from tests.support.store.commands import Command, commands_on

if TYPE_CHECKING:
    from tests.store.conftest import World

SYNC = TaskType("sync", Schedule(interval_s=3600))


@pytest.fixture
def taskqueue(redis_url: str, release: str) -> Command:
    return commands_on(redis_url, release)


async def test_a_type_and_a_user_are_cancelled_by_number(world: World, taskqueue: Command) -> None:
    await world.install(SYNC)
    await world.enqueue("sync", "ada", "bob", "eve")
    for options, number in (
        (["--user", "ada", "--type", "sync"], 1),
        (["--user", "bob"], 1),
        (["--type", "sync"], 1),
    ):
        done = await taskqueue("cancel", *options, "-o", "json")
        assert (done.exit_code, json.loads(done.stdout)) == (ExitCode.OK, {"cancelled": number}), done.output
    await world.conserved()


async def test_jobs_are_named_as_get_jobs_prints_them(world: World, taskqueue: Command) -> None:
    await world.install(SYNC)
    (dead,) = await world.enqueue("sync", "bob")
    (job,) = (await world.claim()).jobs
    await world.claim(results=[Result(job.lease, Outcome.DEAD, text="why")])
    await world.enqueue("sync", "ada")
    await world.claim()
    await world.enqueue("sync", "eve")
    listed = json.loads((await taskqueue("get", "jobs", "-o", "json")).stdout)
    names = {row["user"]: row["job"] for row in listed}

    done = await taskqueue("cancel", *names.values(), dead, "sync|eve|1|0|0", "-o", "json")
    fates = {
        "cancelled": [names["eve"]],
        "running": [names["ada"]],
        "dead": [dead],
        "unknown": ["sync|eve|1|0|0"],
    }
    assert (done.exit_code, json.loads(done.stdout)) == (ExitCode.REFUSED, fates)
    assert f"{names['ada']}: running; --running" in done.stderr
    assert (await taskqueue("cancel", names["ada"], "--running")).exit_code == ExitCode.OK
    for name, code, word in (
        (dead, ExitCode.REFUSED, "dead purge"),
        (names["ada"], ExitCode.NOT_FOUND, "get jobs"),
    ):
        done = await taskqueue("cancel", name)
        assert (done.exit_code, word in done.stderr) == (code, True)
    await world.conserved()


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        ([], ExitCode.USAGE, "give names of jobs, or --type, --user or both"),
        (["a|b|1|0|0", "--type", "sync"], ExitCode.USAGE, "give names of jobs, or --type, --user or both"),
        (["--user", "a b"], ExitCode.USAGE, "--user must be"),
        (["--type", "other"], ExitCode.NOT_FOUND, "other: no such task type"),
    ],
)
async def test_a_bad_argument_is_refused(
    world: World, taskqueue: Command, options: list[str], code: ExitCode, sentence: str
) -> None:
    await world.install(SYNC)
    done = await taskqueue("cancel", *options)
    assert (done.exit_code, sentence in done.stderr) == (code, True), done.output
