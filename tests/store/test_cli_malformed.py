"""The `taskqueue` command on a store in which one of every kind of value cannot be read."""

import json

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.inspection import inspect
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog
from tests.support.site.in_process import BAD, TYPES, USERS
from tests.support.store.commands import Command, commands_on
from tests.support.store.mutations import every_kind
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready


@pytest.fixture
def taskqueue(redis_url: str, release: str) -> Command:
    return commands_on(redis_url, release)


@pytest.fixture
async def spoilt(store: Store) -> Store:
    """A store with good jobs, types and users among which every kind of value was hit once."""
    await Publisher(store).publish(TYPES, USERS)
    await enqueue(store, "good", "ada")
    for mutation in every_kind(BAD, "mal"):
        if mutation.verb != "type" and mutation.name != "cursor":
            await mutation.apply(store)
    return store


@pytest.mark.parametrize(
    ("arguments", "shows"),
    [
        ("get types", "good"),
        ("get users", "ada"),
        ("get jobs", "ada"),
        ("get workers", "worker"),
        ("describe type good", "good"),
        ("describe user ada", "ada"),
        ("describe user mal", "mal"),
        ("dead list", "job"),
        ("dead show bad|mal|~1|1|0", "cannot be read"),
        ("dead purge bad|mal|~1|1|0", "purged"),
        ("dead retry --all", "retried"),
        ("limit set 5", "5"),
        ("limit clear", "wasOverridden"),
        ("pause good", "paused"),
        ("resume bad", "wasPaused"),
        ("run good ada", "good|ada|~"),
    ],
)
async def test_every_command_survives_malformed_values(
    spoilt: Store, taskqueue: Command, arguments: str, shows: str
) -> None:
    done = await taskqueue(*arguments.split())
    assert done.exit_code in {ExitCode.OK, ExitCode.NOT_FOUND}, done.output
    assert shows in done.stdout or (done.exit_code == ExitCode.NOT_FOUND and "dead" in arguments)
    assert "Traceback" not in done.output


async def test_omitted_rows_are_reported(spoilt: Store, taskqueue: Command) -> None:
    done = await taskqueue("get", "types")
    assert "left out values that cannot be read: " in done.stderr
    assert "types bad" in done.stderr
    assert "`taskqueue audit --repair`" in done.stderr
    assert (await raw(spoilt).hget(spoilt.keys("types"), BAD)) == b"garbage"


async def test_audit_names_malformed_values_and_repair_removes_them(
    spoilt: Store, taskqueue: Command
) -> None:
    found = await taskqueue("audit", "-o", "json")
    assert found.exit_code == ExitCode.CORRUPT, found.output
    facts = json.loads(found.stdout)
    assert facts["malformed"] > 1
    assert "types bad" in facts["malformedValues"]

    wanted = {
        one.location for one in await inspect(spoilt) if one.name != "schedule:bad:1"
    }  # goes with the type
    assert {
        "types bad",
        "users mal",
        "subscriptions:mal bad",
        "ready:global:low garbage",
        "leases garbage",
    } <= wanted

    done = await taskqueue("audit", "--repair", "-o", "json")
    assert done.exit_code == ExitCode.OK, done.output
    facts = json.loads(done.stdout)
    assert (facts["malformed"], facts["difference"]) == (0, 0)
    assert wanted <= set(facts["repaired"])
    assert await inspect(spoilt) == []
    assert (await taskqueue("audit")).exit_code == ExitCode.OK


async def test_a_publish_writes_repaired_values_again(spoilt: Store, taskqueue: Command) -> None:
    assert (await taskqueue("audit", "--repair")).exit_code == ExitCode.OK
    await Publisher(spoilt).publish(TYPES, USERS)
    assert (await read_catalog(spoilt)).records.keys() == TYPES.keys()
    assert [task.type for task in await read_subscriptions(spoilt, "mal")] == [BAD, "good"]
    assert {task.generation for task in await read_subscriptions(spoilt, "ada")} == {1}


@pytest.mark.parametrize("emitted", [True, False])
async def test_a_removed_member_keeps_the_audit_balanced(
    store: Store, taskqueue: Command, emitted: bool
) -> None:
    await Publisher(store).publish(TYPES, USERS)
    job = await enqueue(store, "good", "ada")
    if emitted:  # a job that turned into garbage
        await raw(store).zrem(store.keys.ready("global", "normal"), job)
    await put_ready(store, "low", {"garbage": 1})
    assert (await audit(store)).difference == (0 if emitted else -1)
    done = await taskqueue("audit", "--repair", "-o", "json")
    facts = json.loads(done.stdout)
    assert (facts["difference"], facts["repaired"]) == (0, ["ready:global:low garbage"])
    assert facts["totals"].get("skipped", 0) == (1 if emitted else 0)
    await raw(store).unlink(store.keys("payload"))
