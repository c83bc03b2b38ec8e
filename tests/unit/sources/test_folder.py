import os
from pathlib import Path
from typing import Any

import pytest

from taskqueue.models.values import Schedule, Subscription
from taskqueue.sources import manifest_file
from taskqueue.sources.bounded_file import read_bounded
from taskqueue.sources.desired import Unresolved
from taskqueue.sources.folder import FolderSource, load
from tests.support.manifests.folder import task_type, user, write


def test_a_folder_is_read_recursively(tmp_path: Path) -> None:
    write(tmp_path / "types.yaml", task_type("a"))
    write(tmp_path / "deep" / "er" / "users.yml", user("ada", "a"))
    write(tmp_path / ".hidden.yaml", user("hidden"))
    write(tmp_path / ".git" / "x.yaml", user("hidden"))
    (tmp_path / "README.md").write_text("no manifest")
    desired = load(tmp_path)
    assert (desired.faults, desired.unresolved) == ((), ())
    assert list(desired.types) == ["a"]
    assert desired.types["a"].schedule == Schedule(interval_s=300)
    assert desired.users["ada"].tasks == (Subscription("a"),)
    assert desired.files == (str(tmp_path / "deep" / "er" / "users.yml"), str(tmp_path / "types.yaml"))


def test_a_single_file_is_read_under_any_name(tmp_path: Path) -> None:
    assert list(load(write(tmp_path / "tasks.conf", task_type("a"))).types) == ["a"]


def test_a_missing_path_is_a_fault(tmp_path: Path) -> None:
    (fault,) = load(tmp_path / "gone").faults
    assert str(fault) == f"{tmp_path / 'gone'}: make it readable: No such file or directory"


def test_a_bad_file_applies_nothing_and_the_rest_applies(tmp_path: Path) -> None:
    write(tmp_path / "bad.yaml", task_type("a"), task_type("b", interval="soon"))
    write(tmp_path / "good.yaml", task_type("c"))
    write(tmp_path / "values.yaml", {"replicas": 3})
    desired = load(tmp_path)
    assert list(desired.types) == ["c"]
    assert [(Path(fault.file).name, fault.field) for fault in desired.faults] == [
        ("bad.yaml", "spec.schedule.interval"),
        ("values.yaml", "manifest"),
    ]
    assert "last good state" not in desired.faults[0].message


def test_an_undeclared_type_is_a_warning(tmp_path: Path) -> None:
    write(
        tmp_path / "a.yaml",
        task_type("known"),
        user("ada", "known", "lost"),
        user("bob", "lost"),
        user("eve", "new"),
    )
    desired = load(tmp_path)
    assert desired.faults == ()
    assert set(desired.users) == {"ada", "bob", "eve"}
    assert desired.unresolved == (Unresolved("lost", "ada", 2), Unresolved("new", "eve", 1))
    assert [str(one) for one in desired.unresolved] == [
        "ada and 1 more: nothing declares the task type lost",
        "eve: nothing declares the task type new",
    ]


def refused_type(name: str) -> dict[str, Any]:
    good = task_type(name)
    return good | {"spec": good["spec"] | {"window": "10m"}}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (
            {"types.yaml": [refused_type("lost")]},
            "types.yaml:1 (document 1) spec.window: must be at most the interval, 5m",
        ),
        (
            {"types.yaml": [task_type("lost"), refused_type("bad")]},
            "types.yaml:3 (document 2) spec.window: must be at most the interval, 5m",
        ),
        (
            {"a.yaml": [task_type("taken")], "types.yaml": [task_type("taken"), task_type("lost")]},
            "types.yaml:1 (document 1) metadata.name: rename or remove one: ",
        ),
        (
            {"types.yaml": [task_type("lost"), task_type("lost")]},
            "types.yaml:3 (document 2) metadata.name: rename or remove one: ",
        ),
        (
            {"types.yaml": [{"apiVersion": "v1", "kind": "List", "items": [refused_type("lost")]}]},
            "types.yaml:1 (document 1) items[0].spec.window: ",
        ),
    ],
    ids=["refused", "its file is at fault", "its file contradicts another", "declared twice", "in a List"],
)
def test_a_refused_type_is_named_with_its_fault(
    tmp_path: Path, files: dict[str, list[dict[str, Any]]], why: str
) -> None:
    for name, manifests in files.items():
        write(tmp_path / name, *manifests)
    write(tmp_path / "users.yaml", user("ada", "lost"))
    desired = load(tmp_path)
    (unresolved,) = desired.unresolved
    assert f"ada: the task type lost is refused: {tmp_path}/{why}" in str(unresolved)


def test_a_type_with_a_former_state_is_resolved(tmp_path: Path) -> None:
    write(tmp_path / "types.yaml", task_type("lost"))
    write(tmp_path / "users.yaml", user("ada", "lost"))
    source = FolderSource(tmp_path)
    source.refresh()
    write(tmp_path / "types.yaml", task_type("lost"), refused_type("bad"))
    desired = source.refresh()
    assert len(desired.faults) == 1
    assert desired.unresolved == ()


@pytest.mark.parametrize("kind", [None, 1, [], "TaskType"])
@pytest.mark.parametrize("metadata", [None, 1, [], {}, {"name": 1}, {"name": ""}])
def test_a_nameless_document_is_no_refused_type(tmp_path: Path, kind: Any, metadata: Any) -> None:
    write(tmp_path / "a.yaml", {"apiVersion": "taskqueue.dev/v1alpha1", "kind": kind, "metadata": metadata})
    write(tmp_path / "users.yaml", user("ada", "lost"))
    assert [str(one) for one in load(tmp_path).unresolved] == ["ada: nothing declares the task type lost"]


def test_a_double_declaration_is_the_later_files_fault(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", user("ada", "x"))
    write(tmp_path / "b.yaml", user("bob"), user("ada", "y"))
    desired = load(tmp_path)
    assert desired.users["ada"].tasks == (Subscription("x"),)
    assert set(desired.users) == {"ada"}
    (fault,) = desired.faults
    assert (Path(fault.file).name, fault.document, fault.line, fault.field) == (
        "b.yaml",
        2,
        3,
        "metadata.name",
    )
    assert f"{tmp_path / 'a.yaml'}:1 (document 1) metadata.name" in fault.message


def test_links_are_followed_and_circles_are_not(tmp_path: Path) -> None:
    """As in a mounted ConfigMap: hidden data folders, and links to their files."""
    folder = tmp_path / "mounted"
    write(folder / "..2026_11_01" / "a.yaml", task_type("a"))
    (folder / "..data").symlink_to("..2026_11_01")
    (folder / "a.yaml").symlink_to("..data/a.yaml")
    (folder / "circle").symlink_to(folder)
    (folder / "broken.yaml").symlink_to("nothing")
    desired = load(folder)
    assert (list(desired.types), desired.faults) == (["a"], ())


def test_only_changed_files_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = write(tmp_path / "1.yaml", task_type("a"))
    write(tmp_path / "2.yaml", task_type("b"))
    source = FolderSource(tmp_path)
    first = source.refresh()
    reads: list[Path] = []

    def noted(path: Path) -> bytes:
        reads.append(path)
        return read_bounded(path)

    monkeypatch.setattr(manifest_file, "read_bounded", noted)
    write(one, task_type("a", interval="10m"))
    second = source.refresh()
    assert reads == [one]
    assert second.types["a"].schedule == Schedule(interval_s=600)
    assert second.types["b"] is first.types["b"]


@pytest.mark.parametrize("text", ["", "spec: [", "apiVersion: taskqueue.dev/v1alpha1\n"])
def test_a_file_turned_bad_keeps_its_last_good_state(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "a.yaml", task_type("a"), user("ada", "a"))
    source = FolderSource(tmp_path)
    good = source.refresh()
    path.write_text(text)
    bad = source.refresh()
    assert (bad.types, bad.users) == (good.types, good.users)
    assert all("the last good state of this file stays in force" in fault.message for fault in bad.faults)
    assert bad.faults
    assert source.refresh().faults == bad.faults
    write(path, task_type("b"))
    mended = source.refresh()
    assert (list(mended.types), dict(mended.users), mended.faults) == (["b"], {}, ())


def test_a_deleted_file_removes_its_declarations(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", task_type("a"))
    path = write(tmp_path / "b.yaml", task_type("b"))
    source = FolderSource(tmp_path)
    source.refresh()
    path.unlink()
    assert list(source.refresh().types) == ["a"]


def test_an_unreadable_folder_removes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    write(folder / "a.yaml", task_type("a"))
    source = FolderSource(folder)
    source.refresh()
    folder.rename(tmp_path / "elsewhere")
    desired = source.refresh()
    assert list(desired.types) == ["a"]
    assert [fault.field for fault in desired.faults] == ["file"]


def test_an_unreadable_part_keeps_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "closed" / "a.yaml", task_type("a"))
    gone = write(tmp_path / "open" / "b.yaml", task_type("b"))
    source = FolderSource(tmp_path)
    source.refresh()
    (tmp_path / "circle.yaml").symlink_to("circle.yaml")
    gone.unlink()
    scandir = os.scandir

    def closed(folder: Path) -> Any:
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", closed)
    desired = source.refresh()
    assert list(desired.types) == ["a"]
    assert [str(fault).removeprefix(str(tmp_path)) for fault in desired.faults] == [
        "/circle.yaml: make it readable: Too many levels of symbolic links",
        "/closed: make it readable: Permission denied",
    ]


def test_the_declaration_in_force_wins_over_file_order(tmp_path: Path) -> None:
    write(tmp_path / "b.yaml", user("ada", "old"))
    source = FolderSource(tmp_path)
    source.refresh()
    write(tmp_path / "a.yaml", user("ada", "new"), user("bob"))
    desired = source.refresh()
    assert desired.users["ada"].tasks == (Subscription("old"),)
    assert [Path(fault.file).name for fault in desired.faults] == ["a.yaml"]
    write(tmp_path / "b.yaml", user("eve"))
    assert set(source.refresh().users) == {"ada", "bob", "eve"}
    assert source.desired.faults == ()


def test_a_new_file_takes_nothing_from_an_edited_one(tmp_path: Path) -> None:
    write(tmp_path / "b.yaml", user("ada", "old"))
    source = FolderSource(tmp_path)
    source.refresh()
    write(tmp_path / "b.yaml", user("ada", "edited"))
    write(tmp_path / "a.yaml", user("ada", "new"))
    desired = source.refresh()
    assert desired.users["ada"].tasks == (Subscription("edited"),)
    assert [Path(fault.file).name for fault in desired.faults] == ["a.yaml"]


def test_a_user_may_move_to_another_file_in_either_order(tmp_path: Path) -> None:
    for first, second in (("a.yaml", "b.yaml"), ("b.yaml", "a.yaml")):
        folder = tmp_path / first
        write(folder / first, user("ada"), user("bob"))
        write(folder / second, user("eve"))
        source = FolderSource(folder)
        source.refresh()
        write(folder / second, user("eve"), user("ada", "moved"))
        early = source.refresh()
        assert early.users["ada"].tasks == ()
        assert [Path(fault.file).name for fault in early.faults] == [second]
        assert "stays in force" in early.faults[0].message
        write(folder / first, user("bob"))
        desired = source.refresh()
        assert desired.faults == ()
        assert set(desired.users) == {"ada", "bob", "eve"}
        assert desired.users["ada"].tasks == (Subscription("moved"),)


def test_a_declaration_moved_from_a_contradictory_file_is_single(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", user("ada"))
    write(tmp_path / "b.yaml", user("bob"), user("eve"))
    write(tmp_path / "c.yaml", user("cat"))
    source = FolderSource(tmp_path)
    source.refresh()
    write(tmp_path / "a.yaml", user("ada"), user("bob", "moved"))
    write(tmp_path / "b.yaml", user("eve"), user("cat"))
    desired = source.refresh()
    assert set(desired.users) == {"ada", "bob", "cat", "eve"}
    assert desired.users["bob"].tasks == (Subscription("moved"),)
    assert [Path(fault.file).name for fault in desired.faults] == ["b.yaml"]


def test_a_file_changed_during_reading_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.yaml", task_type("a"), task_type("b"))
    source = FolderSource(tmp_path)
    source.refresh()
    write(path, task_type("a"), task_type("c"))

    def half_written(one: Path) -> bytes:
        monkeypatch.setattr(manifest_file, "read_bounded", read_bounded)
        data = read_bounded(one)
        write(path, task_type("a"), task_type("c"), task_type("d"))
        return data[: len(data) // 2]

    monkeypatch.setattr(manifest_file, "read_bounded", half_written)
    assert list(source.refresh().types) == ["a", "b"]
    assert source.desired.faults == ()
    assert list(source.refresh().types) == ["a", "c", "d"]
