import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from taskqueue.models.fault import Fault
from taskqueue.models.manifest import API_VERSION
from taskqueue.models.values import Subscription, UserLimit, UserSubscription
from taskqueue.sources.bounds import MAX_ROW_BYTES
from taskqueue.sources.lines import read_lines
from taskqueue.sources.users_file import read_users


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
        (1, UserSubscription("u-1", (Subscription("a", {"x": 1}), Subscription("b")))),
        (3, UserSubscription("u-2", suspend=True)),
        (4, UserSubscription("u-3")),
    ]


@pytest.mark.parametrize(
    ("line", "field", "says"),
    [
        ("{}", "userId", "add userId: it is required"),
        ('{"userId": 42}', "userId", "must be text, in quotes"),
        ('{"userId": null}', "userId", "add userId: it is required"),
        ('{"userId": "a b"}', "userId", "printable ASCII"),
        ('{"userId": "a", "tasks": [{"type": "a"}, {"type": "a"}]}', "tasks[1].type", "lists it already"),
        ('{"userId": "a", "tasks": [{"type": "a", "params": 5}]}', "tasks[0].params", "must be a mapping"),
        ('{"userId": "a", "task": []}', "task", 'unknown field: must be "tasks"'),
        ('{"userId": "a", "limits": [{"name": "shop", "rate": 20}]}', "limits[0].rate", "must be a mapping"),
        ('{"userId": "a", "userId": "b"}', "manifest", "each key must be unique"),
        ('["a"]', "manifest", "must be a mapping"),
        ('{"userId": "a"', "manifest", "must be JSON"),
        ("\xff", "manifest", "must be JSON"),
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
            "only users are imported, all else is applied",
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


def test_a_line_reports_all_its_faults(tmp_path: Path) -> None:
    found = rows(tmp_path / "u.ndjson", '{"userId": 1, "suspend": 2, "x": 3}')
    assert [fault[1] for _, fault in found] == ["userId", "suspend", "x"]


def test_a_line_without_end_is_refused_without_being_held(tmp_path: Path) -> None:
    data = b'"' + b"x" * (3 * MAX_ROW_BYTES) + b'"\n{"userId": "ok"}\n'
    assert rows(tmp_path / "u.ndjson", data) == [
        (1, (1, "manifest", "a line must be at most 1048576 bytes")),
        (2, UserSubscription("ok")),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("u.ndjson", '{"userId": "a"}\n{"userId": "b"}\n{"userId": "c"}\n'),
        ("u.csv", "userId,type\na,x\nb,x\nc,x\n"),
    ],
)
def test_an_import_resumes_after_its_last_line(tmp_path: Path, name: str, data: str) -> None:
    every = rows(tmp_path / name, data)
    assert [user.user_id for _, user in every] == ["a", "b", "c"]
    assert rows(tmp_path / name, data, after_line=every[0][0]) == every[1:]


def test_consecutive_rows_of_a_user_are_one_user(tmp_path: Path) -> None:
    data = (
        "\ufeffuserId,type,params,suspend\n"
        'u-1,a,"{""x"": 1}",\n'
        "u-1,b,,true\n"
        "\n"
        'u-2,a,"{""note"":\n ""two lines""}",false\n'
        "u-3,c,,\n"
    )
    assert rows(tmp_path / "u.csv", data) == [
        (2, UserSubscription("u-1", (Subscription("a", {"x": 1}), Subscription("b", suspend=True)))),
        (5, UserSubscription("u-2", (Subscription("a", {"note": "two lines"}),))),
        (7, UserSubscription("u-3", (Subscription("c"),))),
    ]


def test_columns_come_in_any_order_and_optional_ones_may_lack(tmp_path: Path) -> None:
    assert rows(tmp_path / "u.CSV", "type,userId\na,u-1\n") == [
        (2, UserSubscription("u-1", (Subscription("a"),)))
    ]


@pytest.mark.parametrize("header", ["", "userId", "userId,type,extra", "userId,type,type", "user_id,type"])
def test_an_unknown_header_ends_the_import(tmp_path: Path, header: str) -> None:
    ((line, fault),) = rows(tmp_path / "u.csv", f"{header}\nu-1,a\n")
    assert (line, fault[:2]) == (1, (1, "header"))
    assert "must be userId, type, params, suspend, limits, timeZone, interval" in fault[2]


@pytest.mark.parametrize(
    ("bad", "line", "field", "says"),
    [
        ("u-1,A,,", 3, "type", "lower case"),
        ("u-1,,,", 3, "type", "lower case"),
        ("u-1", 3, "type", "lower case"),
        ("u-1,a,{,", 3, "params", "must be JSON"),
        ("u-1,a,[],", 3, "params", "must be a mapping"),
        ('u-1,a,"{""a"":1,""a"":2}",', 3, "params", "each key must be unique"),
        ("u-1,a,,yes", 3, "suspend", "must be true or false"),
        ("u-1,a,,,extra", 3, "row", "no more cells than the header"),
        ("u-1,ok,,", 3, "type", "tasks[0] lists it already"),
    ],
)
def test_a_bad_row_refuses_its_user_at_its_own_line(
    tmp_path: Path, bad: str, line: int, field: str, says: str
) -> None:
    found = rows(tmp_path / "u.csv", f"userId,type,params,suspend\nu-1,ok,,\n{bad}\nu-2,ok,,\n")
    (first, fault), last = found
    assert (first, fault[:2]) == (2, (line, field))
    assert says in fault[2]
    assert last == (4, UserSubscription("u-2", (Subscription("ok"),)))


@pytest.mark.parametrize("name", ["u.ndjson", "u.csv"])
def test_users_have_values_of_their_own_at_limits(tmp_path: Path, name: str) -> None:
    limits = json.dumps([{"name": "shop", "rate": {"requests": 90, "per": "1m"}, "burst": 400}])
    cell = '"' + limits.replace('"', '""') + '"'
    data = {
        "u.ndjson": f'{{"userId": "u-1", "tasks": [{{"type": "a"}}, {{"type": "b"}}], "limits": {limits}}}\n'
        '{"userId": "u-2", "tasks": [{"type": "a"}]}\n',
        "u.csv": f"userId,type,limits\nu-1,a,\nu-1,b,{cell}\nu-2,a,\n",
    }[name]
    assert [user for _, user in rows(tmp_path / name, data)] == [
        UserSubscription(
            "u-1", (Subscription("a"), Subscription("b")), limits=(UserLimit("shop", 1.5, 400),)
        ),
        UserSubscription("u-2", (Subscription("a"),)),
    ]


@pytest.mark.parametrize("name", ["u.ndjson", "u.csv"])
def test_users_have_a_zone_and_tasks_an_interval(tmp_path: Path, name: str) -> None:
    data = {
        "u.ndjson": '{"userId": "u-1", "timeZone": "Asia/Tokyo", "tasks": [{"type": "a", "interval": "90s"}, '
        '{"type": "b"}]}\n{"userId": "u-2", "tasks": [{"type": "a"}]}\n',
        "u.csv": "userId,type,interval,timeZone\nu-1,a,90s,\nu-1,b,,Asia/Tokyo\nu-2,a,,\n",
    }[name]
    tasks = (Subscription("a", interval_s=90), Subscription("b"))
    assert [user for _, user in rows(tmp_path / name, data)] == [
        UserSubscription("u-1", tasks, time_zone="Asia/Tokyo"),
        UserSubscription("u-2", (Subscription("a"),)),
    ]


@pytest.mark.parametrize(
    ("first", "second", "line", "field", "says"),
    [
        (",", "Asia/Tokio,", 3, "timeZone", "Asia/Tokyo"),
        ("CEST,", "CEST,", 2, "timeZone", "must be an IANA time zone"),
        ("Asia/Tokyo,", "UTC,", 3, "timeZone", "the same in all rows of a user: line 2 has another value"),
        (",5m", ",5", 3, "interval", "must be a duration"),
        (",250ms", ",5m", 2, "interval", "whole seconds"),
    ],
)
def test_a_bad_zone_or_interval_in_csv_is_a_fault_of_its_row(
    tmp_path: Path, first: str, second: str, line: int, field: str, says: str
) -> None:
    data = f"userId,type,timeZone,interval\nu-1,a,{first}\nu-1,b,{second}\n"
    ((at, fault),) = rows(tmp_path / "u.csv", data)
    assert (at, fault[:2]) == (2, (line, field))
    assert says in fault[2]


SLOW = '"[{""name"": ""shop"", ""rate"": {""requests"": 1, ""per"": ""1m""}}]"'
FAST = SLOW.replace("1m", "1s")


@pytest.mark.parametrize(
    ("cells", "line", "field", "says"),
    [
        (("", "{"), 3, "limits", "must be JSON"),
        (("", "{}"), 3, "limits", "must be a list"),
        (("", SLOW.replace("1m", "48h")), 3, "limits[0].rate", "from 1 request per 24h"),
        ((SLOW.replace("shop", "A B"), ""), 2, "limits[0].name", "lower case"),
        ((SLOW, FAST), 3, "limits", "must be the same in all rows of a user: line 2 has another value"),
    ],
)
def test_bad_limits_in_csv_are_a_fault_of_their_row(
    tmp_path: Path, cells: tuple[str, str], line: int, field: str, says: str
) -> None:
    data = f"userId,type,limits\nu-1,a,{cells[0]}\nu-1,b,{cells[1]}\n"
    ((first, fault),) = rows(tmp_path / "u.csv", data)
    assert (first, fault[:2]) == (2, (line, field))
    assert says in fault[2]


def test_rows_of_a_user_may_repeat_the_same_limits(tmp_path: Path) -> None:
    ((_, user),) = rows(tmp_path / "u.csv", f"userId,type,limits\nu-1,a,{SLOW}\nu-1,b,{SLOW}\n")
    assert user.limits == (UserLimit("shop", 1 / 60),)


@pytest.mark.parametrize("user_id", ["", "a b", "\xff"])
def test_a_bad_user_id_in_csv_is_a_fault_of_the_users_first_row(tmp_path: Path, user_id: str) -> None:
    data = b"userId,type\n" + f"{user_id},a\n{user_id},b\n".encode("latin-1")
    ((line, fault),) = rows(tmp_path / "u.csv", data)
    assert (line, fault[:2]) == (2, (2, "userId"))


def test_too_many_tasks_are_refused_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "u.csv"
    path.write_text("userId,type\n" + "".join(f"u-1,t{number}\n" for number in range(20_000)) + "u-2,a\n")
    tracemalloc.start()
    (line, fault), last = read_users(path)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (line, fault) == (2, Fault(str(path), 2, 2, "tasks", "must have at most 500 items (was 501)"))
    assert last == (20_002, UserSubscription("u-2", (Subscription("a"),)))
    assert peak_bytes < 2_000_000, "20,000 rows take several times as much"


#: Rows behind the header, the lines of faults with a part of each message, and the users that are read.
BROKEN = {
    "a quote inside a cell": ('a,x\nb,"x"y\nc,x\n', {3: "must be CSV: a comma must follow the quote"}, "ac"),
    "a quote that nobody closes": ('a,x\nb,"x\nc,x\nd,x\n', {3: "close the quote"}, "acd"),
    "two quotes that nobody closes": ('a,"x\nb,x\nc,"x\nd,x\n', {2: "must be CSV", 4: "must be CSV"}, "bd"),
    "a quote before rows with params": ('a,"x\nb,x,"{""k"": 1}"\nc,x\n', {2: "must be CSV"}, "bc"),
    "a quote that another closes": ('a,"x\nb,x\nc,"\nd,x\n', {2: "lower case(the row ends in line 4)"}, "d"),
    "a large cell": (
        f"a,x\nb,x,{'x' * 200_000}\nc,x\n",
        {3: "a cell must be at most 65,536 characters"},
        "ac",
    ),
    "a large line": (f"a,x\nb,x,{'x' * 3_000_000}\nc,x\n", {3: "must be at most 1,048,576 bytes"}, "ac"),
    "a large line of another user's quote": (
        f'a,"x\nb,x,{"x" * 3_000_000}\nc,x\n',
        {2: "must be at most 1,048,576", 3: "must be at most 1,048,576"},
        "c",
    ),
    "a bad row of a user": ('a,x\na,"y"z\na,z\nb,x\n', {3: "must be CSV"}, "b"),
    "NUL": ("a,x\nb,\0\nc,x\n", {3: "lower case"}, "ac"),
    "not UTF-8": ("a,x\nb\udcff,x\nc,x\n", {3: "printable ASCII"}, "ac"),
    "ordered by type": (
        "a,x\nb,x\na,y\nc,x\na,z\n",
        {2: "rows from line 4 on, too; sort", 4: "rows from line 2 on, too", 6: "rows from line 2 on, too"},
        "bc",
    ),
    "a bad row apart": ('a,x\nb,x\na,"y"z\n', {4: "must be CSV"}, "ab"),
    "a bad row between": (
        'a,x\nb,"y"z\na,z\nc,x\n',
        {2: "rows from line 4 on, too", 3: "must be CSV", 4: "rows from line 2 on, too"},
        "c",
    ),
    "a quote nobody closes between": (
        'a,x\nb,"y\na,z\n',
        {2: "rows from line 4 on, too", 3: "close the quote", 4: "rows from line 2 on, too"},
        "",
    ),
    "a row of too many bytes between": (
        "a,x\nb," + "y" * 1_100_000 + "\na,z\n",
        {2: "rows from line 4 on, too", 3: "at most 1,048,576 bytes", 4: "rows from line 2 on, too"},
        "",
    ),
    "CR": ("a,x\rb,x\r", {}, "ab"),
    "CRLF": ("a,x\r\n\r\nb,x", {}, "ab"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_row_of_csv_is_left_out_and_the_rest_read(tmp_path: Path, case: str) -> None:
    body, faults, users = BROKEN[case]
    data = ("userId,type,params\n" + body).encode("utf-8", "surrogateescape")
    found = [row for _, row in rows(tmp_path / "u.csv", data)]
    said = {row[0]: row[2] for row in found if isinstance(row, tuple)}
    assert said.keys() == faults.keys()
    for line, parts in faults.items():
        assert all(part.rstrip(")") in said[line] for part in parts.split("(")), said[line]
    assert [row.user_id for row in found if not isinstance(row, tuple)] == list(users)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"userId;type\na;x\n", "with commas between the cells (was with semicolons)"),
        (b"userId\ttype\na\tx\n", "(was with tabs)"),
        (b"userId,type,type\na,x,x\n", '"type" is there twice'),
        (b"userId, type\na,x\n", '" type" is unknown, must be "type"'),
        (b"userId,type,\na,x\n", "column 3 has no name"),
        (b"type\nx\n", "userId is missing"),
        (b'"userId,type\na,x\n', "close the quote"),
        ("userId,type\na,x\n".encode("utf-16"), "(was UTF-16 or UTF-32)"),
        ("userId,type\na,x\n".encode("utf-16-le"), "(was UTF-16)"),
        (b"\x1f\x8b\x08\x00", "must be text (was gzip); unpack the file, or export it as text"),
        (b"PK\x03\x04rest", "(was ZIP, as spreadsheets are)"),
    ],
)
def test_a_file_without_csv_of_users_says_why(tmp_path: Path, data: bytes, says: str) -> None:
    ((_, fault),) = rows(tmp_path / "u.csv", data)
    assert fault[0] == 1
    assert says in fault[2]


def test_a_csv_of_a_header_alone_has_no_users(tmp_path: Path) -> None:
    assert rows(tmp_path / "u.csv", "userId,type\n") == []


def test_the_second_line_of_a_user_is_refused(tmp_path: Path) -> None:
    ada, bob = '{"userId": "ada"}\n', '{"userId": "bob"}\n'
    message = "all tasks of a user must be in one line: ada is in line 1 already"
    expected = [
        (1, UserSubscription("ada")),
        (2, UserSubscription("bob")),
        (3, (3, "userId", message)),
    ]
    assert rows(tmp_path / "u.ndjson", ada + bob + ada) == expected
    assert rows(tmp_path / "u.ndjson", ada + bob + ada, after_line=2) == expected[2:]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('[{"userId": "a"},', "without a list around the lines"),
        ('{"userId": "a"},', "there is more behind it, such as a comma"),
        ('{"userId": "a"\0}', "must be JSON"),
        ("[" * 100_000, "without a list around the lines"),
        ('{"userId": "a", "tasks": ' + "[" * 100_000, "levels"),
    ],
)
def test_common_mistakes_in_a_line_are_named(tmp_path: Path, line: str, says: str) -> None:
    (_, fault), (_, user) = rows(tmp_path / "u.ndjson", f'{line}\n \n{{"userId": "ok"}}')
    assert says in fault[2]
    assert user == UserSubscription("ok")


@pytest.mark.parametrize("name", ["u.csv", "u.ndjson"])
def test_a_line_of_100_mb_is_never_held(tmp_path: Path, name: str) -> None:
    (path := tmp_path / name).write_bytes(b"userId,type\n" if name == "u.csv" else b"{}\n")
    with path.open("ab") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
    tracemalloc.start()
    found = list(read_users(path))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "must be at most" in str(found[-1][1])
    assert peak_bytes < 8_000_000


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_line_breaks_are_pythons_for_any_chunking(most: int) -> None:
    data = b"\xef\xbb\xbfone\r\n\r\ntwo\rthree\n\nfour\r\r\n5"
    plain = data[3:].splitlines(keepends=True)

    class Slow(io.BytesIO):
        def read1(self, _size: int | None = -1) -> bytes:
            return super().read1(most)

    found = list(read_lines(Slow(data)))
    assert [line.data for line in found] == plain
    assert [line.number for line in found] == list(range(1, len(plain) + 1))
    cut = list(read_lines(Slow(data), most=3))
    assert [line.data for line in cut] == [line[:3] for line in plain]
    assert [line.too_long for line in cut] == [len(line) > 3 for line in plain]


def test_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_users(tmp_path / "gone.ndjson"))
