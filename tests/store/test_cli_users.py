"""Imports: many users from a file, and the fate of users who are there already."""

import json
from pathlib import Path

import pytest

from taskqueue.cli import user_import
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.models.values import (
    Limit,
    LimitKey,
    Schedule,
    Subscription,
    TaskType,
    UserLimit,
    UserSubscription,
)
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import put_limits
from taskqueue.store.user_limits import read_user_limits
from taskqueue.store.users import read_stored_users, set_users
from tests.support.store.commands import Command, commands_on


@pytest.fixture
def taskqueue(redis_url: str, release: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run a command on the store of this test, with batches so small that a test has many."""
    monkeypatch.setattr(user_import, "BATCH", 3)

    return commands_on(redis_url, release)


def rows(*numbers: int, task: str = "fetch-orders") -> str:
    lines = [{"userId": f"u-{number}", "tasks": [{"type": task}]} for number in numbers]
    return "".join(json.dumps(line) + "\n" for line in lines)


async def test_a_repeated_import_writes_only_differences(
    taskqueue: Command, tmp_path: Path, store: Store
) -> None:
    file = tmp_path / "users.ndjson"
    file.write_text(rows(*range(10)))
    done = await taskqueue("users", "import", str(file), "-o", "json")
    assert done.exit_code == ExitCode.OK
    assert json.loads(done.stdout) == {
        "written": 10,
        "unchanged": 0,
        "faults": 0,
        "notOffered": 0,
        "lastLine": 10,
    }
    assert {owner.source for owner in (await read_stored_users(store)).values()} == {"import"}

    file.write_text(rows(*range(9)) + rows(9, task="fetch-stock") + rows(10))
    done = await taskqueue("users", "import", str(file), "-o", "json")
    assert json.loads(done.stdout) == {
        "written": 2,
        "unchanged": 9,
        "faults": 0,
        "notOffered": 0,
        "lastLine": 11,
    }
    assert [task.type for task in await read_subscriptions(store, "u-9")] == ["fetch-stock"]


async def test_an_import_goes_on_behind_a_line(taskqueue: Command, tmp_path: Path, store: Store) -> None:
    file = tmp_path / "users.ndjson"
    file.write_text(rows(*range(10)))
    done = await taskqueue("users", "import", str(file), "--after-line", "8", "-o", "json")
    assert json.loads(done.stdout)["written"] == 2
    assert set(await read_stored_users(store)) == {"u-8", "u-9"}


async def test_rows_at_fault_are_named_by_line_and_left_out(
    taskqueue: Command, tmp_path: Path, store: Store
) -> None:
    file = tmp_path / "users.ndjson"
    file.write_text(rows(0, 1) + '{"tasks": [{"type": "A B"}]}\n' + "no json\n" + rows(4))
    done = await taskqueue("users", "import", str(file), "-o", "json")
    assert done.exit_code == ExitCode.FAULTS
    assert json.loads(done.stdout) == {
        "written": 3,
        "unchanged": 0,
        "faults": 2,
        "notOffered": 0,
        "lastLine": 5,
    }
    assert f"{file}:3 (document 3) userId: " in done.stderr
    assert f"{file}:4 (document 4) manifest: " in done.stderr
    assert set(await read_stored_users(store)) == {"u-0", "u-1", "u-4"}


async def test_a_duplicate_line_is_refused_and_another_file_replaces(
    taskqueue: Command, tmp_path: Path, store: Store
) -> None:
    file = tmp_path / "users.ndjson"
    file.write_text(rows(0) + rows(1, 2, 3) + rows(0, task="fetch-stock"))
    done = await taskqueue("users", "import", str(file))
    assert done.exit_code == ExitCode.FAULTS
    assert f"{file}:5 (document 5) userId: " in done.stderr
    assert [task.type for task in await read_subscriptions(store, "u-0")] == ["fetch-orders"]
    file.write_text(rows(0, task="fetch-stock"))
    assert (await taskqueue("users", "import", str(file))).exit_code == ExitCode.OK
    assert [task.type for task in await read_subscriptions(store, "u-0")] == ["fetch-stock"]


async def test_a_csv_ordered_by_type_loses_no_row_in_silence(
    taskqueue: Command, tmp_path: Path, store: Store
) -> None:
    file = tmp_path / "users.csv"
    by_type = ["ada,a", "bob,a", "eve,a", "ada,b", "bob,b"]
    file.write_text("\n".join(["userId,type", *by_type]))
    done = await taskqueue("users", "import", str(file))
    assert done.exit_code == ExitCode.FAULTS
    assert [f":{line} (document" in done.stderr for line in range(2, 7)] == [True, True, False, True, True]
    assert set(await read_stored_users(store)) == {"eve"}
    file.write_text("\n".join(["userId,type", *sorted(by_type)]))
    assert (await taskqueue("users", "import", str(file))).exit_code == ExitCode.OK
    assert [task.type for task in await read_subscriptions(store, "bob")] == ["a", "b"]


async def test_imported_users_have_their_own_values_at_limits(
    taskqueue: Command, tmp_path: Path, store: Store
) -> None:
    app, shop = Limit("app", LimitKey.RELEASE, 100), Limit("shop", LimitKey.USER, 2, 40)
    await put_limits(store, 0, [app, shop])
    file = tmp_path / "users.csv"

    def text(limit: str) -> str:
        limits = [{"name": limit, "rate": {"requests": 20, "per": "1s"}, "burst": 400}]
        cell = json.dumps(limits).replace('"', '""')
        return f'userId,type,limits\nu-1,fetch-orders,"{cell}"\nu-2,fetch-orders,\n'

    file.write_text(text("shop"))
    assert (await taskqueue("users", "import", str(file))).exit_code == ExitCode.OK
    assert await read_user_limits(store, ["shop"]) == {"u-1": (UserLimit("shop", 20, 400),)}
    file.write_text(text("app"))
    done = await taskqueue("users", "import", str(file), "-o", "json")
    assert (done.exit_code, json.loads(done.stdout)["faults"]) == (ExitCode.FAULTS, 1)
    assert f"{file}:2 (document 2) limits: must be limits with key User (was " in done.stderr


async def test_an_import_brings_zones_and_intervals_and_names_those_not_offered(
    taskqueue: Command, tmp_path: Path, store: Store
) -> None:
    hourly = TaskType("fetch-orders", Schedule(interval_s=3600, intervals_s=(60,)), function="noop")
    nightly = TaskType("send-report", Schedule(cron="0 2 * * *"), function="noop")
    await Publisher(store).publish({one.name: one for one in (hourly, nightly)}, {})
    file = tmp_path / "users.csv"
    file.write_text(
        "userId,type,timeZone,interval\n"
        "u-1,fetch-orders,Asia/Tokyo,1m\nu-1,send-report,Asia/Tokyo,\nu-2,fetch-orders,,5m\nu-2,send-report,,5m\n"
    )
    for written, unchanged in ((2, 0), (0, 2)):
        done = await taskqueue("users", "import", str(file), "-o", "json")
        counts = {"written": written, "unchanged": unchanged, "faults": 0, "notOffered": 2, "lastLine": 4}
        assert (done.exit_code, json.loads(done.stdout)) == (ExitCode.OK, counts)
        assert (
            f"warning: {file}:4 (document 4) tasks: interval must be 1h or 1m, which the task type "
            in done.stderr
        )
        assert "tasks: remove interval: the task type send-report runs by cron" in done.stderr
    listed = json.loads((await taskqueue("get", "users", "-o", "json")).stdout)
    assert [(one["user"], one["timeZone"]) for one in listed] == [("u-1", "Asia/Tokyo"), ("u-2", "UTC")]
    shown = json.loads((await taskqueue("describe", "user", "u-2", "-o", "json")).stdout)
    assert (shown["timeZone"], [one["interval"] for one in shown["subscriptions"]]) == ("UTC", ["5m", "5m"])
    assert [one["state"].partition(" (was ")[0] for one in shown["subscriptions"]] == [
        "interval must be 1h or 1m, which the task type fetch-orders offers",
        "remove interval: the task type send-report runs by cron",
    ]
    shown = json.loads((await taskqueue("describe", "user", "u-1", "-o", "json")).stdout)
    assert (shown["timeZone"], [one["interval"] for one in shown["subscriptions"]]) == (
        "Asia/Tokyo",
        ["1m", None],
    )
    assert [one["state"] for one in shown["subscriptions"]] == ["active", "active"]


async def test_a_csv_file_is_imported_too(taskqueue: Command, tmp_path: Path, store: Store) -> None:
    file = tmp_path / "users.csv"
    file.write_text('userId,type,params\nu-1,fetch-orders,"{""a"": 1}"\nu-1,fetch-stock,\nu-2,fetch-stock,\n')
    assert (await taskqueue("users", "import", str(file))).exit_code == ExitCode.OK
    assert [(task.type, task.params) for task in await read_subscriptions(store, "u-1")] == [
        ("fetch-orders", {"a": 1}),
        ("fetch-stock", {}),
    ]
    assert set(await read_stored_users(store)) == {"u-1", "u-2"}


async def test_only_imported_users_are_removed_by_hand(
    taskqueue: Command, tmp_path: Path, store: Store
) -> None:
    file = tmp_path / "users.ndjson"
    file.write_text(rows(1, 2))
    await taskqueue("users", "import", str(file))
    await set_users(store, "folder", [UserSubscription("u-3", (Subscription("fetch-orders"),))])
    done = await taskqueue("users", "remove", "u-1", "u-3", "-o", "json")
    assert done.exit_code == ExitCode.REFUSED
    assert json.loads(done.stdout) == {"removed": ["u-1"], "declaredByManifests": ["u-3"], "unknown": []}
    assert set(await read_stored_users(store)) == {"u-2", "u-3"}


async def test_users_of_an_application_are_kept_and_removable(
    taskqueue: Command, tmp_path: Path, store: Store
) -> None:
    await set_users(store, "client", [UserSubscription("u-1", (Subscription("fetch-stock"),))])
    file = tmp_path / "users.ndjson"
    file.write_text(rows(0, 1))
    done = await taskqueue("users", "import", str(file), "-o", "json")
    assert done.exit_code == ExitCode.FAULTS
    assert json.loads(done.stdout) == {
        "written": 1,
        "unchanged": 0,
        "faults": 1,
        "notOffered": 0,
        "lastLine": 2,
    }
    assert "u-1: an application writes this user" in done.stderr
    assert [task.type for task in await read_subscriptions(store, "u-1")] == ["fetch-stock"]
    done = await taskqueue("users", "remove", "u-0", "u-1", "-o", "json")
    assert json.loads(done.stdout)["removed"] == ["u-0", "u-1"]
    assert await read_stored_users(store) == {}
