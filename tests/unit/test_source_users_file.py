import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from taskqueue.models.fault import Fault
from taskqueue.models.manifest import API_VERSION
from taskqueue.models.values import Task, UserSubscription
from taskqueue.sources.users_file import MAX_ROW_BYTES, read_users


def rows(path: Path, data: str | bytes, after_line: int = 0) -> list[tuple[int, Any]]:
    """Line and user, or line and (line of the fault, field, message)."""
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return [
        (line, (row.line, row.field, row.message) if isinstance(row, Fault) else row)
        for line, row in read_users(path, after_line)
    ]


def test_a_line_is_a_user_in_the_short_form_or_as_a_manifest(tmp_path: Path) -> None:
    short = {"userId": "u-1", "tasks": [{"type": "a", "params": {"x": 1}, "suspend": False}, {"type": "b"}]}
    full = {
        "apiVersion": API_VERSION,
        "kind": "UserSubscription",
        "metadata": {"name": "u-2"},
        "spec": {"suspend": True},
    }
    data = f"\ufeff{json.dumps(short)}\n\n{json.dumps(full)}\r\n{json.dumps({'userId': 'u-3'})}"
    assert rows(tmp_path / "u.ndjson", data) == [
        (1, UserSubscription("u-1", (Task("a", {"x": 1}), Task("b")))),
        (3, UserSubscription("u-2", suspend=True)),
        (4, UserSubscription("u-3")),
    ]


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ("{}", "userId", "write userId: it is required"),
        ('{"userId": 42}', "userId", "write text, in quotes"),
        ('{"userId": null}', "userId", "write userId: it is required"),
        ('{"userId": "a b"}', "userId", "letters, digits"),
        ('{"userId": "a", "tasks": [{"type": "a"}, {"type": "a"}]}', "tasks[1].type", "once"),
        ('{"userId": "a", "tasks": [{"type": "a", "params": 5}]}', "tasks[0].params", "write a mapping"),
        ('{"userId": "a", "task": []}', "task", 'unknown: write "tasks"'),
        ('{"userId": "a", "userId": "b"}', "manifest", "write every key once"),
        ('["a"]', "manifest", "write a mapping"),
        ('{"userId": "a"', "manifest", "write JSON"),
        ("\xff", "manifest", "write JSON"),
        ('{"kind": "UserSubscription"}', "apiVersion", API_VERSION),
        (
            json.dumps(
                {
                    "apiVersion": API_VERSION,
                    "kind": "TaskType",
                    "metadata": {"name": "a"},
                    "spec": {"schedule": {"interval": "5m"}, "handler": {"function": "f"}},
                }
            ),
            "kind",
            "task types are applied, not imported",
        ),
    ],
)
def test_a_bad_line_is_a_fault_with_its_line_and_the_next_goes_on(
    tmp_path: Path, line: str, field: str, says: str
) -> None:
    (first, fault), last = rows(tmp_path / "u.ndjson", f'\n{line}\n{{"userId": "ok"}}\n')
    assert (first, fault[:2]) == (2, (2, field))
    assert says in fault[2]
    assert last == (3, UserSubscription("ok"))


def test_a_line_has_as_many_faults_as_are_in_it(tmp_path: Path) -> None:
    found = rows(tmp_path / "u.ndjson", '{"userId": 1, "suspend": 2, "x": 3}')
    assert [fault[1] for _, fault in found] == ["userId", "suspend", "x"]


def test_a_line_without_end_is_refused_without_being_held(tmp_path: Path) -> None:
    data = b'"' + b"x" * (3 * MAX_ROW_BYTES) + b'"\n{"userId": "ok"}\n'
    assert rows(tmp_path / "u.ndjson", data) == [
        (1, (1, "manifest", "write at most 1048576 bytes a line")),
        (2, UserSubscription("ok")),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("u.ndjson", '{"userId": "a"}\n{"userId": "b"}\n{"userId": "c"}\n'),
        ("u.csv", "userId,type\na,x\nb,x\nc,x\n"),
    ],
)
def test_an_import_goes_on_after_the_line_it_came_to(tmp_path: Path, name: str, data: str) -> None:
    every = rows(tmp_path / name, data)
    assert [user.user_id for _, user in every] == ["a", "b", "c"]
    assert rows(tmp_path / name, data, after_line=every[0][0]) == every[1:]


def test_rows_of_one_user_that_follow_each_other_are_one_user(tmp_path: Path) -> None:
    data = (
        "\ufeffuserId,type,params,suspend\n"
        'u-1,a,"{""x"": 1}",\n'
        "u-1,b,,true\n"
        "\n"
        'u-2,a,"{""note"":\n ""two lines""}",false\n'
        "u-1,c,,\n"
    )
    assert rows(tmp_path / "u.csv", data) == [
        (2, UserSubscription("u-1", (Task("a", {"x": 1}), Task("b", suspend=True)))),
        (5, UserSubscription("u-2", (Task("a", {"note": "two lines"}),))),
        (7, UserSubscription("u-1", (Task("c"),))),
    ]


def test_columns_may_come_in_any_order_and_the_optional_ones_not_at_all(tmp_path: Path) -> None:
    assert rows(tmp_path / "u.CSV", "type,userId\na,u-1\n") == [(2, UserSubscription("u-1", (Task("a"),)))]


@pytest.mark.parametrize("header", ["", "userId", "userId,type,extra", "userId,type,type", "user_id,type"])
def test_a_header_that_is_not_understood_ends_the_import(tmp_path: Path, header: str) -> None:
    ((line, fault),) = rows(tmp_path / "u.csv", f"{header}\nu-1,a\n")
    assert (line, fault[:2]) == (1, (1, "header"))
    assert "write a header of userId, type, params, suspend" in fault[2]


@pytest.mark.parametrize(
    ("bad", "line", "field", "says"),
    [
        ("u-1,A,,", 3, "type", "lower case"),
        ("u-1,,,", 3, "type", "lower case"),
        ("u-1", 3, "type", "lower case"),
        ("u-1,a,{,", 3, "params", "write JSON"),
        ("u-1,a,[],", 3, "params", "write a mapping"),
        ('u-1,a,"{""a"":1,""a"":2}",', 3, "params", "write every key once"),
        ("u-1,a,,yes", 3, "suspend", "write true or false"),
        ("u-1,a,,,extra", 3, "row", "no more cells than the header has"),
        ("u-1,ok,,", 3, "type", "once: tasks[0] lists it already"),
    ],
)
def test_a_bad_row_refuses_its_user_at_its_own_line(
    tmp_path: Path, bad: str, line: int, field: str, says: str
) -> None:
    found = rows(tmp_path / "u.csv", f"userId,type,params,suspend\nu-1,ok,,\n{bad}\nu-2,ok,,\n")
    (first, fault), last = found
    assert (first, fault[:2]) == (2, (line, field))
    assert says in fault[2]
    assert last == (4, UserSubscription("u-2", (Task("ok"),)))


@pytest.mark.parametrize("user_id", ["", "a b", "\xff"])
def test_a_bad_user_id_in_csv_is_a_fault_of_the_users_first_row(tmp_path: Path, user_id: str) -> None:
    data = b"userId,type\n" + f"{user_id},a\n{user_id},b\n".encode("latin-1")
    ((line, fault),) = rows(tmp_path / "u.csv", data)
    assert (line, fault[:2]) == (2, (2, "userId"))


def test_more_tasks_than_a_user_may_have_are_refused_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "u.csv"
    path.write_text("userId,type\n" + "".join(f"u-1,t{number}\n" for number in range(20_000)) + "u-2,a\n")
    tracemalloc.start()
    (line, fault), last = read_users(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (line, fault) == (2, Fault(str(path), 2, 2, "tasks", "write at most 500 items"))
    assert last == (20_002, UserSubscription("u-2", (Task("a"),)))
    assert peak_bytes < 2_000_000, "20,000 rows take several times as much"


def test_what_is_not_csv_ends_the_import_with_its_line(tmp_path: Path) -> None:
    found = rows(tmp_path / "u.csv", 'userId,type\nu-1,a\nu-2,"a"b\n')
    assert found[-1][1][:2] == (3, "row")
    assert "write CSV" in found[-1][1][2]


def test_a_file_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_users(tmp_path / "gone.ndjson"))
