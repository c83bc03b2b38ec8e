"""The `taskqueue` command on a real store: manual work of an operator."""

import json
from math import inf
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.instant import read_instant_ms
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Limit, LimitKey
from taskqueue.scheduler.publisher import Publisher
from taskqueue.sources.folder import load
from taskqueue.store.claim import Result as Settled
from taskqueue.store.claim import claim
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.fence import Fence
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.job_name import parse
from taskqueue.store.limits import override_rate, set_rate
from taskqueue.store.types import put_limits, read_catalog
from taskqueue.store.users import read_stored_users
from taskqueue.views.instant import iso
from tests.support.store.commands import Command, commands_on
from tests.support.store.raw import raw
from tests.support.store.ready import put_ready
from tests.support.store.script_clock import ScriptClock

HOUR_MS = 3_600_000

TYPE = """\
apiVersion: taskqueue.dev/v1alpha1
kind: TaskType
metadata: {name: NAME}
spec:
  schedule: {interval: 1h}
  handler: {function: fetch}
"""
USER = """\
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: NAME}
spec:
  tasks: [{type: fetch-orders}, {type: fetch-stock, suspend: true}, {type: fetch-nothing}]
"""


@pytest.fixture
def taskqueue(redis_url: str, release: str, clock: ScriptClock) -> Command:
    """Run a command on the store of this test, under its stopped clock."""
    return commands_on(redis_url, release)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("fetch-orders", "fetch-stock"):
        (tmp_path / f"{name}.yaml").write_text(TYPE.replace("NAME", name))
    for name in ("u-1", "u-2"):
        (tmp_path / f"{name}.yaml").write_text(USER.replace("NAME", name))
    return tmp_path


async def answer(done: Result, code: ExitCode = ExitCode.OK) -> Any:
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


async def bury(store: Store, worker: str, name: str) -> None:
    """Start the one job that waits, and let it die."""
    (job,) = (await claim(store, worker, 1, 1, 60_000)).jobs
    assert job.lease.startswith(name)
    await claim(store, worker, 2, 0, 60_000, [Settled(job.lease, Outcome.DEAD, text="no such order")])


@pytest.mark.parametrize("file", ["", "fetch-orders.yaml"], ids=["with users", "with nothing that is new"])
async def test_apply_is_refused_in_a_release_kept_by_kubernetes(
    taskqueue: Command, folder: Path, store: Store, file: str
) -> None:
    publisher = Publisher(store, "kubernetes")
    publisher.lead(Fence("shop/uid-1", 1))
    desired = load(folder)
    await publisher.publish(desired.types, desired.users)
    before = await read_catalog(store), await read_stored_users(store)
    done = await taskqueue("apply", str(folder / file))
    assert (done.exit_code, done.stdout) == (ExitCode.REFUSED, "")
    assert "the Kubernetes namespace shop (uid uid-1): edit those with kubectl" in done.stderr
    assert (await read_catalog(store), await read_stored_users(store)) == before


async def test_apply_writes_good_files_and_removes_nothing(
    taskqueue: Command, folder: Path, store: Store
) -> None:
    done = await answer(await taskqueue("apply", str(folder), "-o", "json"))
    assert (done["typesWritten"], done["usersWritten"], done["faults"]) == (2, 2, [])
    assert [one["type"] for one in done["unresolved"]] == ["fetch-nothing"]

    (folder / "fetch-stock.yaml").write_text(TYPE.replace("1h", "one hour"))
    (folder / "u-2.yaml").unlink()
    (folder / "u-3.yaml").write_text(USER.replace("NAME", "u-3"))
    done = await answer(await taskqueue("apply", str(folder), "--prune", "-o", "json"), ExitCode.FAULTS)
    assert [fault["field"] for fault in done["faults"]] == ["metadata.name", "spec.schedule.interval"]
    assert (done["usersWritten"], done["usersRemoved"]) == (1, 0)
    assert set(await read_stored_users(store)) == {"u-1", "u-2", "u-3"}
    assert set((await read_catalog(store)).records) == {"fetch-orders", "fetch-stock"}

    (folder / "fetch-stock.yaml").unlink()
    done = await answer(await taskqueue("apply", str(folder), "--prune", "-o", "json"))
    assert done["usersRemoved"] == 1
    assert set((await read_catalog(store)).records) == {"fetch-orders"}


async def test_apply_fits_types_to_limits_of_the_store(
    taskqueue: Command, store: Store, tmp_path: Path
) -> None:
    app, other = Limit("app", LimitKey.RELEASE, 10.0), Limit("other", LimitKey.RELEASE, 10.0)
    await put_limits(store, 0, [app, other, Limit("shop", LimitKey.USER, 1.0, within="other")])
    file = tmp_path / "fetch-orders.yaml"
    named = TYPE.replace("NAME", "fetch-orders")
    for limits, unresolved, code in (
        ("app", [], ExitCode.OK),
        ("gone", ["gone"], ExitCode.OK),
        ("shop", [], ExitCode.OK),
        ("app}, {name: shop", [], ExitCode.FAULTS),
    ):
        file.write_text(f"{named}  limits: [{{name: {limits}}}]\n")
        done = await answer(await taskqueue("apply", str(tmp_path), "-o", "json"), code)
        assert [one["limit"] for one in done["unresolvedLimits"]] == unresolved, limits
        assert [one["field"] for one in done["faults"]] == ["spec.limits"] * (code is ExitCode.FAULTS)
    catalog = await read_catalog(store)
    assert catalog.records["fetch-orders"].task_type.limits == ("shop",)


async def test_describe_user_shows_the_next_run_to_the_millisecond(
    taskqueue: Command, folder: Path, store: Store, clock: ScriptClock
) -> None:
    await taskqueue("apply", str(folder))
    found = await answer(await taskqueue("describe", "user", "u-2", "-o", "json"))
    assert found["source"] == "folder"
    by_type = {task["type"]: task for task in found["subscriptions"]}
    assert {name: task["state"] for name, task in by_type.items()} == {
        "fetch-nothing": "unknown type: no manifest declares it",
        "fetch-orders": "active",
        "fetch-stock": "suspended",
    }
    offset_ms = int(await raw(store).zscore(store.keys.schedule("fetch-orders", 1), "u-2"))
    due_ms = (clock.now_ms - offset_ms) // HOUR_MS * HOUR_MS + HOUR_MS + offset_ms
    next_ms = read_instant_ms(by_type["fetch-orders"]["next"])
    assert next_ms == due_ms
    assert by_type["fetch-stock"]["next"] is None

    await taskqueue("pause", "fetch-orders")
    found = await answer(await taskqueue("describe", "user", "u-2", "-o", "json"))
    (orders,) = (task for task in found["subscriptions"] if task["type"] == "fetch-orders")
    assert orders["state"] == "paused until it is resumed: `taskqueue resume fetch-orders`"


async def test_describe_user_says_why_a_job_waits(taskqueue: Command, folder: Path, store: Store) -> None:
    await taskqueue("apply", str(folder))
    await taskqueue("run", "fetch-orders", "u-1")

    async def why() -> str:
        found = await answer(await taskqueue("describe", "user", "u-1", "-o", "json"))
        (job,) = found["jobs"]
        return str(job["why"])

    assert await why() == "no global limit is set, so nothing starts: `taskqueue limit set N`"
    await override_rate(store, 100)
    assert await why() == "no worker is alive: start one with `taskqueue worker`"
    await heartbeat(store, "w-1", 60_000, b"{}", [], [])
    assert await why() == "waits its turn in lane normal for the global limit, 100/s"
    await override_rate(store, inf)
    assert await why() == "waits its turn in lane normal for a worker"
    (name,) = await raw(store).zrange(store.keys.ready("global", "normal"), 0, -1)
    score = await raw(store).zscore(store.keys.ready("global", "normal"), name)
    await raw(store).zrem(store.keys.ready("global", "normal"), name)
    await raw(store).zadd(store.keys("parked:global|type:fetch-orders"), {name: score})
    await raw(store).zadd(store.keys("limits_free_at"), {"global|type:fetch-orders": 1})
    assert await why() == "waits for the limit of the task type fetch-orders"
    assert (await taskqueue("audit")).exit_code == ExitCode.OK


async def test_describe_type_shows_schedule_and_state(taskqueue: Command, folder: Path) -> None:
    await taskqueue("apply", str(folder))
    found = await answer(await taskqueue("describe", "type", "fetch-orders", "-o", "json"))
    assert (found["schedule"], found["state"], found["subscriptions"]) == ("every 1h", "active", 2)
    assert len(found["nextPeriods"]) == 3
    assert found["nextPeriodsZone"] is None
    assert found["handlerRegistered"] is False


@pytest.mark.parametrize(("zone", "shown"), [("", "UTC"), (", timeZone: Asia/Tokyo", "Asia/Tokyo")])
async def test_describe_type_says_in_which_zone_periods_begin(
    taskqueue: Command, folder: Path, zone: str, shown: str
) -> None:
    schedule = f'cron: "0 9 * * *"{zone}'
    text = TYPE.replace("NAME", "fetch-orders").replace("interval: 1h", schedule)
    (folder / "fetch-orders.yaml").write_text(text)
    await taskqueue("apply", str(folder))
    found = await answer(await taskqueue("describe", "type", "fetch-orders", "-o", "json"))
    assert found["nextPeriodsZone"] == shown


async def test_describe_type_knows_excluded_time(taskqueue: Command, folder: Path) -> None:
    exclude = (
        '[{dates: [2026-12-25/2027-01-01]}, {weekdays: [Sun, Sat]}, {daily: {from: "10:00", to: "12:00"}}]'
    )
    text = TYPE.replace("NAME", "fetch-orders").replace("interval: 1h", f"interval: 1h, exclude: {exclude}")
    (folder / "fetch-orders.yaml").write_text(text)
    await taskqueue("apply", str(folder))
    found = await answer(await taskqueue("describe", "type", "fetch-orders", "-o", "json"))
    assert found["exclude"] == ["2026-12-25/2027-01-01", "Sat, Sun", "10:00 to 12:00"]
    # The clock stands on Friday 2027-01-15, 8:00:00.
    assert found["nextPeriods"] == [f"2027-01-15T{hour:02}:00:00.000Z" for hour in (9, 12, 13)]


async def test_describe_user_names_a_place_that_is_always_excluded(taskqueue: Command, folder: Path) -> None:
    schedule = 'interval: 24h, exclude: [{daily: {from: "00:01", to: "24:00"}}]'
    text = TYPE.replace("NAME", "fetch-orders").replace("interval: 1h", schedule)
    (folder / "fetch-orders.yaml").write_text(text)
    await taskqueue("apply", str(folder))
    found = await answer(await taskqueue("describe", "user", "u-1", "-o", "json"))
    (orders,) = (one for one in found["subscriptions"] if one["type"] == "fetch-orders")
    assert (orders["next"], orders["state"].partition(":")[0]) == (None, "never runs")


async def test_params_with_a_key_twice_are_refused(taskqueue: Command, folder: Path, store: Store) -> None:
    await taskqueue("apply", str(folder))
    found = await taskqueue("run", "fetch-orders", "u-1", "--params", '{"a": {"b": 1, "b": 2}}')
    assert (found.exit_code, found.stderr) == (
        ExitCode.USAGE,
        "taskqueue: --params: each key must be unique (one is there twice)\n",
    )
    assert not await raw(store).hlen(store.keys("payload"))


@pytest.mark.parametrize("name", ["a\n", " a", "a b", "", "{a}", "a" * 64])
async def test_a_name_no_release_can_have_is_refused(taskqueue: Command, name: str) -> None:
    found = await taskqueue("get", "types", "--release", name)
    assert found.exit_code == ExitCode.USAGE
    assert found.stderr.startswith("taskqueue: --release must be 1 to 63 letters, digits")


async def test_run_adds_a_job_once_for_an_id(taskqueue: Command, folder: Path, store: Store) -> None:
    await taskqueue("apply", str(folder))
    first = await answer(
        await taskqueue("run", "fetch-orders", "u-1", "--params", '{"a": 1}', "--id", "mine", "-o", "json")
    )
    again = await answer(await taskqueue("run", "fetch-orders", "u-1", "--id", "mine", "-o", "json"))
    assert first == again
    assert parse(first["job"]).id == "mine"
    (listed,) = await answer(await taskqueue("get", "jobs", "-o", "json"))
    assert (listed["type"], listed["user"], listed["where"]) == ("fetch-orders", "u-1", "normal")
    assert await raw(store).hvals(store.keys("payload")) == [b'{"a":1}']


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "no-type", "u-1"),
        ("pause", "no-type"),
        ("pause", "--user", "nobody"),
        ("describe", "type", "no-type"),
        ("describe", "user", "nobody"),
        ("dead", "show", "no-type|u|1|0|0"),
        ("dead", "retry", "no-type|u|1|0|0"),
        ("users", "remove", "nobody"),
        ("limit", "get"),
    ],
)
async def test_a_missing_object_is_named_with_a_remedy(
    taskqueue: Command, arguments: tuple[str, ...]
) -> None:
    done = await taskqueue(*arguments)
    assert done.exit_code == ExitCode.NOT_FOUND
    assert "`taskqueue " in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_a_pause_holds_until_resumed_or_over(
    taskqueue: Command, folder: Path, store: Store, clock: ScriptClock
) -> None:
    await taskqueue("apply", str(folder))
    paused = await answer(await taskqueue("pause", "fetch-orders", "--for", "1h", "-o", "json"))
    until_ms = read_instant_ms(paused["until"])
    assert until_ms == clock.now_ms + HOUR_MS
    assert (await read_catalog(store)).paused == {"fetch-orders": until_ms}
    states = await answer(await taskqueue("get", "types", "-o", "json"))
    assert {one["type"]: (one["state"], one["pausedUntil"]) for one in states} == {
        "fetch-orders": ("paused", paused["until"]),
        "fetch-stock": ("active", None),
    }
    shown = await answer(await taskqueue("describe", "type", "fetch-orders", "-o", "json"))
    assert shown["pausedUntil"] == paused["until"]
    found = await answer(await taskqueue("describe", "user", "u-2", "-o", "json"))
    states = {task["type"]: task["state"] for task in found["subscriptions"]}
    assert states["fetch-orders"] == f"paused until {paused['until']}: `taskqueue resume fetch-orders`"
    assert (await answer(await taskqueue("resume", "fetch-orders", "-o", "json")))["wasPaused"] is True
    assert (await answer(await taskqueue("resume", "fetch-orders", "-o", "json")))["wasPaused"] is False
    assert (await read_catalog(store)).paused == {}

    await taskqueue("pause", "fetch-orders", "--for", "1h")
    for passed_ms, state in ((HOUR_MS - 1, "paused"), (1, "active")):
        await clock.advance(ms=passed_ms)
        states = await answer(await taskqueue("get", "types", "-o", "json"))
        assert states[0]["state"] == state


async def test_a_paused_user_is_shown_with_the_end_and_the_remedy(
    taskqueue: Command, folder: Path, clock: ScriptClock
) -> None:
    await taskqueue("apply", str(folder))
    paused = await answer(await taskqueue("pause", "--user", "u-1", "--for", "1h", "-o", "json"))
    assert paused == {"user": "u-1", "state": "paused", "until": iso(clock.now_ms + HOUR_MS)}
    found = await answer(await taskqueue("describe", "user", "u-1", "-o", "json"))
    assert found["state"] == f"paused until {iso(clock.now_ms + HOUR_MS)}: `taskqueue resume --user u-1`"
    assert {task["state"] for task in found["subscriptions"]} == {
        "the user is paused",
        "unknown type: no manifest declares it",
    }
    users = await answer(await taskqueue("get", "users", "-o", "json"))
    assert {one["user"]: one["state"] for one in users} == {"u-1": "paused", "u-2": "active"}
    await taskqueue("pause", "--user", "u-1")
    found = await answer(await taskqueue("describe", "user", "u-1", "-o", "json"))
    assert found["state"] == "paused until it is resumed: `taskqueue resume --user u-1`"
    for was_paused in (True, False):
        ended = await answer(await taskqueue("resume", "--user", "u-1", "-o", "json"))
        assert ended == {"user": "u-1", "wasPaused": was_paused}
    found = await answer(await taskqueue("describe", "user", "u-1", "-o", "json"))
    assert found["state"] == "active"


async def test_a_job_of_a_paused_user_is_dropped_with_a_reason(
    taskqueue: Command, folder: Path, store: Store
) -> None:
    await taskqueue("apply", str(folder))
    await put_ready(store, "normal", {"fetch-orders|u-1|1000|7|0": 1_000_007})
    await taskqueue("pause", "--user", "u-1")
    found = await answer(await taskqueue("describe", "user", "u-1", "-o", "json"))
    assert [job["why"] for job in found["jobs"]] == [
        "is dropped, as its user is paused: `taskqueue resume --user u-1`"
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("pause",), "give TYPE or --user USER"),
        (("resume",), "give TYPE or --user USER"),
        (("pause", "fetch-orders", "--user", "u-1"), "TYPE excludes --user: give one of them"),
    ],
)
async def test_a_pause_is_of_a_type_or_of_a_user(
    taskqueue: Command, arguments: tuple[str, ...], sentence: str
) -> None:
    done = await taskqueue(*arguments)
    assert (done.exit_code, done.stderr) == (ExitCode.USAGE, f"taskqueue: {sentence}\n")


async def test_the_limit_is_overridden_and_given_back(taskqueue: Command) -> None:
    await answer(await taskqueue("limit", "set", "12.5", "--for", "1h", "-o", "json"))
    assert await answer(await taskqueue("limit", "get", "-o", "json")) == {"perSecond": 12.5}
    cleared = await answer(await taskqueue("limit", "clear", "-o", "json"))
    assert cleared == {"limit": "global", "wasOverridden": True, "perSecond": None}
    assert (await taskqueue("limit", "set", "0")).exit_code == ExitCode.USAGE


async def test_the_limit_may_be_none(taskqueue: Command, folder: Path, store: Store) -> None:
    await taskqueue("apply", str(folder))
    await set_rate(store, inf)
    assert await answer(await taskqueue("limit", "get", "-o", "json")) == {"perSecond": "none"}
    await taskqueue("limit", "set", "5")
    done = await answer(await taskqueue("limit", "set", "none", "-o", "json"))
    assert done == {"limit": "global", "burst": None, "perSecond": "none", "until": None}
    assert "none" in (await taskqueue("limit", "get")).stdout
    shown = await answer(await taskqueue("plan", "show", "--store", "--json"))
    assert shown["ratePerSecond"] == "none"
    assert "limit" not in (await taskqueue("plan", "show", "--store")).stdout
    cleared = await answer(await taskqueue("limit", "clear", "-o", "json"))
    assert cleared == {"limit": "global", "wasOverridden": True, "perSecond": "none"}


async def test_dead_jobs_are_shown_retried_and_purged(
    taskqueue: Command, folder: Path, store: Store, clock: ScriptClock
) -> None:
    await taskqueue("apply", str(folder))
    await override_rate(store, 1_000)
    await claim(store, "first", 1, 0, 60_000)  # a server that is new waits for the horizon of the one before
    await clock.advance(s=1)
    await taskqueue("run", "fetch-orders", "u-1", "--params", '{"a": 1}')
    await bury(store, "one", "fetch-orders|u-1|~")
    (dead,) = await answer(await taskqueue("dead", "list", "-o", "json"))
    assert (dead["reason"], dead["failures"]) == ("no such order", 1)
    shown = await answer(await taskqueue("dead", "show", dead["job"], "-o", "json"))
    assert shown["params"] == {"a": 1}
    described = await answer(await taskqueue("describe", "user", "u-1", "-o", "json"))
    assert {task["type"]: task["lastOutcome"] for task in described["subscriptions"]}[
        "fetch-orders"
    ] == "dead"

    assert await answer(await taskqueue("dead", "retry", "--all", "-o", "json")) == {"retried": 1}
    assert await answer(await taskqueue("dead", "list", "-o", "json")) == []
    await bury(store, "two", "fetch-orders|u-1|~")
    (dead,) = await answer(await taskqueue("dead", "list", "-o", "json"))
    assert await answer(await taskqueue("dead", "purge", dead["job"], "-o", "json")) == {"purged": 1}
    assert (await taskqueue("audit")).exit_code == ExitCode.OK


async def test_audit_fails_where_a_job_is_missing_or_the_cursor_is_lost(
    taskqueue: Command, folder: Path, store: Store
) -> None:
    assert (await taskqueue("audit")).exit_code == ExitCode.OK  # a store that was never used
    await taskqueue("apply", str(folder))
    await raw(store).hincrby(store.keys("metrics"), "emitted", 2)
    done = await taskqueue("audit", "-o", "json")
    assert done.exit_code == ExitCode.AUDIT
    assert json.loads(done.stdout)["difference"] == 2
    assert "2 jobs are missing" in done.stderr
    await raw(store).hincrby(store.keys("metrics"), "emitted", -2)
    await raw(store).delete(store.keys("cursor"))
    done = await taskqueue("audit")
    assert done.exit_code == ExitCode.AUDIT
    assert "the cursor is lost: `taskqueue cursor set TIME`" in done.stderr


async def test_a_cursor_is_restored_only_after_its_loss(
    taskqueue: Command, folder: Path, store: Store
) -> None:
    assert (await taskqueue("cursor", "set", "2026-01-01T00:00:00Z")).exit_code == ExitCode.REFUSED
    await taskqueue("apply", str(folder))
    before_ms = await read_cursor(store)
    assert (await taskqueue("cursor", "set", "2026-01-01T00:00:00Z")).exit_code == ExitCode.REFUSED
    assert await read_cursor(store) == before_ms

    await raw(store).delete(store.keys("cursor"))
    assert (await taskqueue("cursor", "get")).exit_code == ExitCode.AUDIT
    assert (await taskqueue("cursor", "set", "2999-01-01T00:00:00Z")).exit_code == ExitCode.USAGE
    assert (await taskqueue("cursor", "set", "2026-01-01T00:00:00.250Z")).exit_code == ExitCode.OK
    assert await read_cursor(store) == 1_767_225_600_250


async def test_the_plan_counts_running_subscriptions_under_the_limit(
    taskqueue: Command, folder: Path
) -> None:
    await taskqueue("apply", str(folder))
    await taskqueue("limit", "set", "5")
    shown = await answer(await taskqueue("plan", "show", "--store", "--json"))
    assert shown["ratePerSecond"] == 5
    counts = {one["type"]: one["subscriptions"] for one in shown["types"]}
    assert counts == {"fetch-orders": 2, "fetch-stock": 0}
    checked = await answer(await taskqueue("plan", "check", "--store", "--json"))
    assert (checked["verdict"], checked["ratePerSecond"]) == ("Fits", 5)


async def test_the_plan_of_a_store_counts_all_types_of_a_user(taskqueue: Command, tmp_path: Path) -> None:
    types = [f"t{number}" for number in range(10)]
    limited = TYPE.replace("1h", "10s") + "  limits: [{name: shop}]\n"
    (tmp_path / "shop.yaml").write_text(
        "apiVersion: taskqueue.dev/v1alpha1\nkind: RateLimit\nmetadata: {name: shop}\n"
        "spec: {key: User, rate: {requests: 1, per: 5s}}\n"
    )
    tasks = ", ".join(f"{{type: {name}}}" for name in types)
    users = {"ada": tasks, "bob": "{type: t0}"}
    for name in types:
        (tmp_path / f"{name}.yaml").write_text(limited.replace("NAME", name))
    for name, listed in users.items():
        header, _, _ = USER.replace("NAME", name).partition("  tasks:")
        (tmp_path / f"{name}.yaml").write_text(f"{header}  tasks: [{listed}]\n")
    await taskqueue("apply", str(tmp_path))
    await taskqueue("limit", "set", "100")
    checked = await answer(await taskqueue("plan", "check", "--store", "--json"), ExitCode.DOES_NOT_FIT)
    of_user = checked["limits"][0]
    assert (of_user["limit"], of_user["users"]["over"], of_user["users"]["users"]) == ("shop", 1, 2)
    assert of_user["users"]["worst"] == "ada"


async def test_users_and_workers_are_listed(taskqueue: Command, folder: Path, store: Store) -> None:
    await taskqueue("apply", str(folder))
    await heartbeat(store, "w-1", 60_000, b'{"slots":4}', [], [])
    (worker,) = await answer(await taskqueue("get", "workers", "-o", "json"))
    assert (worker["worker"], worker["info"]) == ("w-1", {"slots": 4})
    done = await taskqueue("get", "users", "--limit", "1", "-o", "json")
    assert len(await answer(done)) == 1
    assert "there are more than 1" in done.stderr
    table = await taskqueue("get", "users")
    assert [line.split()[0] for line in table.stdout.splitlines()] == ["user", "u-1", "u-2"]


async def test_the_plan_of_a_store_counts_zones_and_intervals(taskqueue: Command, tmp_path: Path) -> None:
    """Subscriptions that choose an interval that the type does not offer count as the type's own."""
    spec = "{schedule: {interval: 1h, intervals: [1m]}, handler: {function: fetch}, limits: [{name: shop}]}"
    nightly = '{schedule: {cron: "0 2 * * *"}, handler: {function: fetch}}'
    shop = "{key: User, rate: {requests: 1, per: 10m}}"
    documents = [("RateLimit", "shop", shop), ("TaskType", "sync", spec), ("TaskType", "nightly", nightly)]
    for name, zone, interval in [
        ("ada", "Asia/Tokyo", "1m"),
        ("bob", "UTC", "2m"),
        ("eve", "Asia/Tokyo", "1h"),
        ("idle", "UTC", "1m"),
    ]:
        tasks = f"[{{type: nightly}}, {{type: sync, interval: {interval}, suspend: {str(name == 'idle').lower()}}}]"
        documents.append(("UserSubscription", name, f"{{timeZone: {zone}, tasks: {tasks}}}"))
    for kind, name, text in documents:
        header = f"apiVersion: taskqueue.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
        (tmp_path / f"{name}.yaml").write_text(f"{header}spec: {text}\n")
    await taskqueue("apply", str(tmp_path))
    for place in (str(tmp_path), "--store"):
        shown = await answer(await taskqueue("plan", "show", place, "--json", "--day", "2026-01-05"))
        rows = {(one["schedule"], one["subscriptions"]): one["zones"] for one in shown["types"]}
        assert rows == {
            ("every 1h", 2): {},
            ("every 1m", 1): {},
            ("0 2 * * * in the zone of each user, within 1h", 4): {"UTC": 2, "Asia/Tokyo": 2},
        }
        assert sum(shown["starts"][2 * 60 : 3 * 60]) == pytest.approx(2 + 2 + 60, abs=0.1)
        assert sum(shown["starts"][17 * 60 : 18 * 60]) == pytest.approx(2 + 2 + 60, abs=0.1)
        done = await taskqueue("plan", "check", place, "--json", "--rate", "none")
        checked = await answer(done, ExitCode.DOES_NOT_FIT)
        assert checked["late"] == ["sync every 1m"]
        assert checked["limits"][0]["users"] | {"worst": "ada", "users": 3} == checked["limits"][0]["users"]
    listed = {one["type"]: one for one in await answer(await taskqueue("get", "types", "-o", "json"))}
    assert listed["sync"]["intervals"] == {"1h": 2, "1m": 1}
    assert (listed["sync"]["subscriptions"], listed["sync"]["zones"]) == (3, None)
    described = await answer(await taskqueue("describe", "type", "nightly", "-o", "json"))
    assert (described["subscriptions"], described["zones"], described["intervals"]) == (4, 2, None)
