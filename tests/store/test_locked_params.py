"""Params that a type locks, in a store: a user who overrides them is refused, and older values are not used."""

import asyncio
import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.handlers import Job
from taskqueue.handlers.dispatch import Dispatcher
from taskqueue.handlers.http_call import HttpClient
from taskqueue.handlers.registry import Registry
from taskqueue.handlers.threads import Threads
from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.sources.desired import Protected
from taskqueue.store.claim import Result, claim
from taskqueue.store.connection import Store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.errors import LockedParamsError
from taskqueue.store.limits import set_rate
from taskqueue.store.subscriptions import StoredSubscription, read_subscriptions
from taskqueue.store.users import read_stored_users, set_users
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.task_types import BoundType, TaskTypes
from tests.support.site.worker_slots import SlotsUnderTest
from tests.support.store.commands import Command, commands_on
from tests.support.store.script_clock import ScriptClock

OPEN = TaskType("sync", Schedule(interval_s=3_600), function="f", params={"region": "eu"})
LOCKED = replace(OPEN, locked_params=("region",))
FREE = replace(OPEN, name="free")
OWN = {"region": "us", "full": True}
ADA = UserSubscription("ada", (Subscription("free", OWN), Subscription("sync", OWN)))
BOB = UserSubscription("bob", (Subscription("free", OWN), Subscription("sync", {"full": True})))
USERS = {"ada": ADA, "bob": BOB}


@pytest.fixture
def taskqueue(redis_url: str, release: str) -> Command:
    return commands_on(redis_url, release)


async def publish(publisher: Publisher, spec: TaskType) -> None:
    await publisher.publish({"sync": spec, "free": FREE}, USERS)


async def suspended(store: Store) -> set[tuple[str, str]]:
    return {
        (user, task.type)
        for user in USERS
        for task in await read_subscriptions(store, user)
        if task.suspended
    }


async def stored(store: Store) -> StoredSubscription:
    (found,) = [task for task in await read_subscriptions(store, "ada") if task.type == "sync"]
    return found


@pytest.mark.parametrize("restarted", [False, True], ids=["the same process", "another process"])
async def test_a_locking_type_suspends_overriding_tasks(store: Store, restarted: bool) -> None:
    publisher = Publisher(store)
    await publish(publisher, OPEN)
    before = await stored(store)
    assert await suspended(store) == set()
    publisher = Publisher(store) if restarted else publisher
    await publish(publisher, LOCKED)
    assert await suspended(store) == {("ada", "sync")}
    done = await publisher.publish({"sync": LOCKED, "free": FREE}, USERS)
    assert done.users_written == 0, "a second time nothing differs"
    publisher = Publisher(store) if restarted else publisher
    await publish(publisher, OPEN)
    assert await stored(store) == before, "its place was kept"


async def test_a_refused_type_still_locks(store: Store) -> None:
    await Publisher(store).publish({"sync": LOCKED, "free": FREE}, {"bob": BOB})
    protected = Protected(frozenset({"sync"}))
    await Publisher(store).publish({"free": FREE}, USERS, protected=protected)
    assert await suspended(store) == {("ada", "sync")}


async def test_a_job_older_than_the_lock_gets_the_types_value(store: Store, clock: ScriptClock) -> None:
    given: list[object] = []

    async def sync(job: Job) -> None:
        given.append(job.params)

    registry = Registry()
    registry.add("f", sync)
    threads = Threads(1)
    kinds = TaskTypes(store, Dispatcher(registry, HttpClient(), threads))
    await set_rate(store, 1_000)
    await Publisher(store).publish({"sync": OPEN}, {})
    calls, results = count(1), list[Result]()
    for spec in (OPEN, LOCKED):
        await enqueue(store, "sync", "ada", OWN)
        await Publisher(store).publish({"sync": spec}, {})
        await kinds.refresh()
        kind = kinds.get("sync")
        assert kind
        while not (answer := await claim(store, "w", next(calls), 1, 60_000, results)).jobs:
            await clock.set(answer.next_call_us)
        (claimed,) = answer.jobs
        async with SlotsUnderTest() as under_test:
            at_s = asyncio.get_running_loop().time()
            under_test.slots.add([LeasedJob(claimed.lease, kind, claimed.params, 0, 0, at_s, 0.01)])
            results = [await asyncio.wait_for(under_test.results.get(), 30)]
    assert given == [OWN, {"region": "eu", "full": True}]


async def test_an_imported_user_is_not_suspended_and_overrides_no_more(store: Store) -> None:
    await Publisher(store).publish({"sync": OPEN}, {})
    await set_users(store, "import", [ADA])
    await Publisher(store).publish({"sync": LOCKED}, {})
    task = await stored(store)
    assert not task.suspended, "no manifest of it is there to be refused"
    assert BoundType(LOCKED, None).params(task.params) == {"region": "eu", "full": True}


async def test_an_ad_hoc_job_cannot_override(store: Store, taskqueue: Command) -> None:
    await publish(Publisher(store), LOCKED)
    with pytest.raises(LockedParamsError, match="remove region: the task type sync locks it"):
        await enqueue(store, "sync", "ada", OWN)
    refused = await taskqueue("run", "sync", "ada", "--params", json.dumps(OWN))
    assert (refused.exit_code, refused.stdout) == (ExitCode.REFUSED, "")
    assert "--params: remove region: the task type sync locks it" in refused.stderr
    for task_type, params in (("sync", {"full": True}), ("sync", {}), ("free", OWN)):
        done = await taskqueue("run", task_type, "ada", "--params", json.dumps(params))
        assert done.exit_code == ExitCode.OK, done.output


@pytest.mark.parametrize("suffix", ["ndjson", "csv"])
async def test_an_import_leaves_overriding_rows_out(
    store: Store, taskqueue: Command, tmp_path: Path, suffix: str
) -> None:
    await Publisher(store).publish({"sync": LOCKED, "free": FREE}, {})
    file = tmp_path / f"users.{suffix}"
    if suffix == "csv":
        file.write_text('userId,type,params\nada,sync,"{""region"": ""us""}"\nbob,sync,\n')
    else:
        rows: list[dict[str, Any]] = [
            {"userId": "ada", "tasks": [{"type": "free", "params": OWN}, {"type": "sync", "params": OWN}]},
            {"userId": "bob", "tasks": [{"type": "free", "params": OWN}]},
        ]
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    done = await taskqueue("users", "import", str(file), "-o", "json")
    assert done.exit_code == ExitCode.FAULTS
    assert json.loads(done.stdout)["faults"] == 1
    assert "params: remove region: the task type sync locks it" in done.stderr
    assert set(await read_stored_users(store)) == {"bob"}


async def test_apply_and_describe_show_refusals(store: Store, taskqueue: Command, tmp_path: Path) -> None:
    head = "apiVersion: taskqueue.dev/v1alpha1\n"
    (tmp_path / "type.yaml").write_text(
        f"{head}kind: TaskType\nmetadata: {{name: sync}}\nspec:\n  schedule: {{interval: 1h}}\n"
        "  handler: {function: f}\n  lockedParams: [region]\n"
    )
    (tmp_path / "ada.yaml").write_text(
        f"{head}kind: UserSubscription\nmetadata: {{name: ada}}\nspec:\n"
        "  tasks: [{type: sync, params: {region: us}}]\n"
    )
    says = "ada: the task does not run: remove region: the task type sync locks it"
    for command in ("validate", "apply"):
        done = await taskqueue(command, str(tmp_path))
        assert done.exit_code == ExitCode.FAULTS, done.output
        assert says in done.stdout
        done = await taskqueue(command, str(tmp_path), "-o", "json")
        assert json.loads(done.stdout)["overriding"] == [
            {"type": "sync", "params": ["region"], "user": "ada", "users": 1}
        ]
    described = await taskqueue("describe", "user", "ada", "-o", "json")
    (task,) = json.loads(described.stdout)["subscriptions"]
    assert task["state"] == "refused: remove region: the task type sync locks it"
    described = await taskqueue("describe", "type", "sync", "-o", "json")
    assert json.loads(described.stdout)["lockedParams"] == ["region"]
    assert await suspended(store) == {("ada", "sync")}
