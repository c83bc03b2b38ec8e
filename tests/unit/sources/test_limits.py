"""Limits of a folder: conflicts between files, and the last state that fits."""

from pathlib import Path
from typing import Any

import pytest

from taskqueue.models.values import Limit, LimitKey, Schedule, TaskType, UserLimit
from taskqueue.sources.bounds import MAX_FAULTS
from taskqueue.sources.declaration import stored_declarations
from taskqueue.sources.desired import Desired
from taskqueue.sources.folder import FolderSource, load
from tests.support.manifests.folder import limit, task_type, under, user, write

SHOP = limit("shop", key="User", within="app")
SYNC = under(task_type("sync"), "shop")


def faults(desired: Desired) -> list[tuple[str, int, str]]:
    return [(Path(fault.file).name, fault.line, fault.field) for fault in desired.faults]


def test_limits_types_and_users_fit_in_any_order_of_files(tmp_path: Path) -> None:
    write(tmp_path / "1.yaml", under(user("ada", "sync"), "shop"), under(task_type("sync"), "end", "shop"))
    write(tmp_path / "2.yaml", SHOP, limit("end", within="app"))
    write(tmp_path / "3.yaml", limit("app"))
    desired = load(tmp_path)
    assert (desired.faults, desired.unresolved_limits) == ((), ())
    assert desired.limits["shop"] == Limit("shop", LimitKey.USER, 100.0, within="app")
    assert set(desired.limits) == {"app", "end", "shop"}
    assert desired.types["sync"].limits == ("end", "shop")
    assert desired.users["ada"].limits == (UserLimit("shop", 20.0),)


def test_undeclared_limits_are_warnings(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", SYNC, under(task_type("send"), "shop"), under(user("ada"), "gone"), SHOP)
    desired = load(tmp_path)
    assert desired.faults == ()
    assert set(desired.types) == {"sync", "send"}
    assert [str(one) for one in desired.unresolved_limits] == [
        "RateLimit shop: nothing declares the RateLimit app",
        "UserSubscription ada: nothing declares the RateLimit gone",
    ]
    write(tmp_path / "a.yaml", SYNC, under(task_type("send"), "shop"))
    (one,) = load(tmp_path).unresolved_limits
    assert str(one) == "TaskType sync and 1 more: nothing declares the RateLimit shop"


def test_a_refused_limit_is_named_with_its_fault(tmp_path: Path) -> None:
    write(tmp_path / "limits.yaml", limit("shop", burst=0))
    write(tmp_path / "types.yaml", SYNC)
    (one,) = load(tmp_path).unresolved_limits
    assert str(one).startswith(f"TaskType sync: the RateLimit shop is refused: {tmp_path}/limits.yaml:1")
    assert "spec.burst: must be at least 1 (was 0)" in one.refusal


@pytest.mark.parametrize(
    ("limits", "types", "users", "expected"),
    [
        (
            [limit("a"), limit("b")],
            [under(task_type("sync"), "a", "b")],
            [],
            ("types.yaml", 1, "spec.limits"),
        ),
        (
            [limit(name, key="User") for name in "abc"],
            [task_type("send"), under(task_type("sync"), "a", "b", "c")],
            [],
            ("types.yaml", 3, "spec.limits"),
        ),
        (
            [limit("app"), limit("other"), SHOP],
            [under(task_type("sync"), "other", "shop")],
            [],
            ("types.yaml", 1, "spec.limits"),
        ),
        ([limit("app")], [], [user("bob"), under(user("ada"), "app")], ("users.yaml", 3, "spec.limits")),
        ([limit("app", within="end"), limit("end", within="app")], [], [], ("limits.yaml", 1, "spec.within")),
        ([limit("shop", key="User"), limit("app", within="shop")], [], [], ("limits.yaml", 3, "spec.within")),
        (
            [limit("a", within="b"), limit("b", within="c"), limit("c", within="d"), limit("d")],
            [],
            [],
            ("limits.yaml", 1, "spec.within"),
        ),
    ],
    ids=["two Release", "three User", "no chain", "a user's value", "a cycle", "within a User", "depth 4"],
)
def test_a_conflict_is_the_fault_of_the_document_that_names_the_limit(
    tmp_path: Path, limits: Any, types: Any, users: Any, expected: tuple[str, int, str]
) -> None:
    for name, manifests in {"limits.yaml": limits, "types.yaml": types, "users.yaml": users}.items():
        if manifests:
            write(tmp_path / name, *manifests)
    desired = load(tmp_path)
    assert faults(desired)[0] == expected
    at_fault = {file for file, _, _ in faults(desired)}
    assert at_fault == {expected[0]}
    assert bool(desired.limits) is (expected[0] != "limits.yaml")
    assert "last good state" not in desired.faults[0].message


def test_a_fault_names_the_line_of_its_field(tmp_path: Path) -> None:
    text = "apiVersion: taskqueue.dev/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec:\n"
    spec = "  schedule: {interval: 5m}\n  handler: {function: f}\n  limits:\n  - name: a\n  - name: b\n"
    (tmp_path / "type.yaml").write_text(text.format("TaskType", "sync") + spec)
    rate = "  key: Release\n  rate: {requests: 1, per: 1s}\n  within: "
    (tmp_path / "a.yaml").write_text(f"{text.format('RateLimit', 'a')}{rate}c\n")
    (tmp_path / "b.yaml").write_text(f"{text.format('RateLimit', 'b')}{rate}b2\n")
    write(tmp_path / "c.yaml", limit("c", within="a"))
    assert faults(load(tmp_path)) == [
        ("a.yaml", 7, "spec.within"),
        ("c.yaml", 1, "spec.within"),
        ("type.yaml", 8, "spec.limits"),
    ]


def test_a_list_names_the_item_at_fault(tmp_path: Path) -> None:
    items = [limit("a"), limit("b"), under(task_type("sync"), "a", "b")]
    write(tmp_path / "a.yaml", {"apiVersion": "v1", "kind": "List", "items": items})
    assert faults(load(tmp_path)) == [("a.yaml", 1, "items[2].spec.limits")]


@pytest.fixture
def source(tmp_path: Path) -> FolderSource:
    """A folder that fits."""
    write(tmp_path / "limits.yaml", limit("app"), SHOP)
    write(tmp_path / "types.yaml", under(task_type("sync"), "app", "shop"))
    write(tmp_path / "users.yaml", under(user("ada", "sync"), "shop"), under(user("bob"), "shop"))
    source = FolderSource(tmp_path)
    assert source.refresh().faults == ()
    return source


def test_a_changed_limit_that_does_not_fit_keeps_its_last_state(source: FolderSource) -> None:
    good = source.desired
    write(source.path / "limits.yaml", limit("app"), limit("shop", rate={"requests": 7, "per": "1s"}))
    bad = source.refresh()
    assert (bad.limits, bad.types, bad.users) == (good.limits, good.types, good.users)
    assert faults(bad) == [("limits.yaml", 3, "spec")]
    place = f"{source.path / 'types.yaml'}:1 (document 1) metadata.name"
    assert bad.faults[0].message == (
        f"must fit TaskType sync at {place} and 2 more: spec.limits must be at most one limit with key Release "
        '(was "app, shop"); until then the last good state of this file stays in force'
    )
    assert source.refresh().faults == bad.faults


def test_a_changed_type_that_does_not_fit_keeps_its_last_state(source: FolderSource) -> None:
    good = source.desired
    write(source.path / "types.yaml", under(task_type("sync", interval="1h"), "app", "shop", "end"))
    write(source.path / "limits.yaml", limit("app"), SHOP, limit("end"))
    bad = source.refresh()
    assert bad.types == good.types
    assert set(bad.limits) == {"app", "shop", "end"}
    assert faults(bad) == [("types.yaml", 1, "spec.limits")]


def test_an_edited_file_is_not_at_fault_for_an_unchanged_type(source: FolderSource) -> None:
    write(source.path / "types.yaml", under(task_type("sync"), "app", "shop"), task_type("send"))
    write(source.path / "limits.yaml", limit("app"), limit("shop"))
    desired = source.refresh()
    assert set(desired.types) == {"sync", "send"}
    assert {file for file, _, _ in faults(desired)} == {"limits.yaml"}
    assert desired.limits["shop"].key is LimitKey.USER


def test_a_cycle_is_the_fault_of_the_limit_that_closes_it(source: FolderSource) -> None:
    write(source.path / "limits.yaml", limit("app"), SHOP, limit("end", within="app"))
    assert source.refresh().faults == ()
    write(source.path / "limits.yaml", limit("app", within="end"), SHOP, limit("end", within="app"))
    desired = source.refresh()
    assert faults(desired) == [("limits.yaml", 1, "spec.within")]
    assert desired.limits["app"].within is None


def test_files_that_fit_together_are_taken_together(source: FolderSource) -> None:
    write(source.path / "limits.yaml", limit("app"), limit("shop", within="app"))
    write(source.path / "types.yaml", under(task_type("sync"), "shop"))
    write(source.path / "users.yaml", user("ada", "sync"))
    desired = source.refresh()
    assert desired.faults == ()
    assert desired.limits["shop"].key is LimitKey.RELEASE


def test_a_fault_ends_when_the_other_file_fits(source: FolderSource) -> None:
    write(source.path / "limits.yaml", limit("app"), limit("shop", within="app"))
    assert source.refresh().faults != ()
    write(source.path / "types.yaml", under(task_type("sync"), "shop"))
    assert {file for file, _, _ in faults(source.refresh())} == {"limits.yaml"}  # of the users
    write(source.path / "users.yaml", user("ada", "sync"))
    desired = source.refresh()
    assert desired.faults == ()
    assert desired.limits["shop"].key is LimitKey.RELEASE


def test_a_removed_limit_leaves_a_warning(source: FolderSource) -> None:
    write(source.path / "limits.yaml", limit("other"))
    desired = source.refresh()
    assert desired.faults == ()
    assert [(one.limit, one.named_by, one.count) for one in desired.unresolved_limits] == [
        ("app", "TaskType sync", 1),
        ("shop", "TaskType sync", 3),
    ]


def test_a_limit_that_moves_to_another_file_is_the_same(source: FolderSource) -> None:
    write(source.path / "limits.yaml", limit("app"))
    write(source.path / "more.yaml", SHOP)
    desired = source.refresh()
    assert (desired.faults, set(desired.limits)) == ((), {"app", "shop"})


def test_faults_of_many_users_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "limits.yaml", limit("app"))
    write(tmp_path / "users.yaml", *(under(user(f"u-{number}"), "app") for number in range(MAX_FAULTS + 5)))
    desired = load(tmp_path)
    assert len(desired.faults) == MAX_FAULTS + 1
    assert desired.faults[-1].message == "there are further faults"
    assert desired.users == {}


APP, OTHER = Limit("app", LimitKey.RELEASE, 100.0), Limit("other", LimitKey.RELEASE, 100.0)
WITHIN_OTHER = Limit("shop", LimitKey.USER, 100.0, within="other")
STORED_TYPE = TaskType("kept", Schedule(interval_s=3_600), limits=("app", "shop"))


@pytest.mark.parametrize(
    ("stored", "documents", "expected"),
    [
        ([APP, WITHIN_OTHER, OTHER], [under(task_type("sync"), "shop")], []),
        ([APP, WITHIN_OTHER, OTHER], [under(task_type("sync"), "app", "shop")], ["spec.limits"]),
        ([APP, WITHIN_OTHER, OTHER], [under(task_type("sync"), "app", "shop"), SHOP], []),
        ([APP, OTHER], [under(task_type("sync"), "app", "other")], ["spec.limits"]),
        ([APP], [SHOP], []),
        ([WITHIN_OTHER], [limit("app", within="shop")], ["spec.within"]),
        (
            [APP, OTHER, STORED_TYPE, Limit("shop", LimitKey.USER, 1.0)],
            [limit("shop", key="User", within="other")],
            ["spec"],
        ),
        ([APP, STORED_TYPE, Limit("shop", LimitKey.USER, 1.0)], [SHOP], []),
    ],
)
def test_manifests_must_fit_what_the_store_has(
    tmp_path: Path, stored: list[Limit | TaskType], documents: list[Any], expected: list[str]
) -> None:
    write(tmp_path / "a.yaml", *documents)
    limits = [one for one in stored if isinstance(one, Limit)]
    types = [one for one in stored if isinstance(one, TaskType)]
    desired = load(tmp_path, stored_declarations(limits, types))
    assert [fault.field for fault in desired.faults] == expected
    assert bool(desired.types or desired.limits) != bool(expected)


def test_a_type_of_the_store_is_named_where_a_limit_does_not_fit_it(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", limit("shop", key="User", within="other"))
    (fault,) = load(tmp_path, stored_declarations([APP, OTHER], [STORED_TYPE])).faults
    assert fault.message.startswith(
        "must fit TaskType kept in the store: spec.limits must be limits whose Release"
    )


def test_a_limit_of_the_store_is_declared(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", under(task_type("sync"), "app", "gone"))
    assert [one.limit for one in load(tmp_path, stored_declarations([APP], [])).unresolved_limits] == ["gone"]
