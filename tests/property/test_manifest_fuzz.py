"""Valid manifests, broken in every way a person or a program breaks them: none may crash the reader.

TASKQUEUE_FUZZ is the number of manifests in all: 2,000 with every change, 100,000 before a release.
"""

import copy
import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskqueue.models.fault import Fault
from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.params import json_bytes
from taskqueue.models.refusal import FieldPath, ManifestRefusedError
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.sources.manifest_file import read_manifest_file
from taskqueue.sources.users_file import read_users

MANIFESTS = int(os.environ.get("TASKQUEUE_FUZZ") or "2000")


def fuzz(share: float) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=max(1, int(MANIFESTS * share)), deadline=None, suppress_health_check=checks)


VALID: list[dict[str, Any]] = [
    {
        "apiVersion": API_VERSION,
        "kind": "TaskType",
        "metadata": {"name": "fetch-orders", "labels": {"team": "shop"}},
        "spec": {
            "schedule": {"interval": "5m"},
            "window": "4m",
            "handler": {"function": "fetch_orders"},
            "params": {"region": "eu", "pages": [1, 2, {"deep": None}]},
            "priority": "High",
            "cost": 2,
            "timeout": "30s",
            "retry": {"maxAttempts": 5, "minBackoff": "1s", "maxBackoff": "5m"},
            "rateLimit": {"perSecond": "10", "perUserPerSecond": "0.5"},
            "concurrencyPolicy": "Forbid",
            "startingDeadline": "10m",
            "catchUp": "All",
            "suspend": False,
        },
    },
    {
        "apiVersion": API_VERSION,
        "kind": "TaskType",
        "metadata": {"name": "nightly-report"},
        "spec": {
            "schedule": {"cron": "0 2 * * *", "timeZone": "Europe/Berlin"},
            "handler": {
                "http": {"url": "https://h/x", "method": "POST", "headers": {"Accept": "text/plain"}}
            },
        },
    },
    {
        "apiVersion": API_VERSION,
        "kind": "UserSubscription",
        "metadata": {"name": "u-0042"},
        "spec": {
            "userId": "u-0042",
            "suspend": False,
            "tasks": [
                {"type": "fetch-orders", "params": {"region": "eu"}},
                {"type": "nightly-report", "suspend": True},
            ],
        },
    },
]


def nested(depth: int) -> Any:
    value: Any = "deep"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
texts = st.sampled_from(
    [
        "",
        " ",
        "null",
        "0042",
        "no",
        "1h",
        "99999h99999h",
        "0s",
        "0 0 31 2 *",
        "* * * * * *",
        "1" * 400,
        "\0",
        "\ud800",
        "a\r\nb",
        "http://[",
        "\N{PILE OF POO}",
        "x" * 70_000,
        "-1",
        "NaN",
        "1e400",
        "\N{GRINNING FACE}" * 300,
        "__class__",
        "{message}",
        "%s",
    ]
)
odd_values: st.SearchStrategy[Any] = st.one_of(
    texts,
    json_values,
    st.sampled_from(
        [10**30, -1, 0, 1.5, float("nan"), float("inf"), date(2026, 1, 1), b"x", (1,), {1, 2}, {1: 2}]
    ),
    st.integers(min_value=30, max_value=400).map(nested),
    st.integers(min_value=100, max_value=600).map(lambda size: [{"type": f"a{n}"} for n in range(size)]),
)


def paths(value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from paths(inner, (*path, position))


def drop(parent: Any, key: Any, _odd: Any) -> None:
    del parent[key]


def retype(parent: Any, key: Any, odd: Any) -> None:
    parent[key] = odd


def wrap(parent: Any, key: Any, _odd: Any) -> None:
    parent[key] = [parent[key]] if isinstance(parent[key], dict) else {"value": parent[key]}


def add(parent: Any, _key: Any, odd: Any) -> None:
    if isinstance(parent, list):
        parent.append(odd)
    else:
        parent[odd if isinstance(odd, str | int | bytes) else "extra"] = odd


def rename(parent: Any, key: Any, odd: Any) -> None:
    if isinstance(parent, dict):
        parent[odd if isinstance(odd, str) else f"{key}s"] = parent.pop(key)


def repeat(parent: Any, key: Any, _odd: Any) -> None:
    if isinstance(parent, list):
        parent += [copy.deepcopy(parent[key])] * 2
    elif isinstance(parent[key], str):
        parent[key] *= 50


MUTATIONS: list[Callable[[Any, Any, Any], None]] = [drop, retype, wrap, add, rename, repeat]


@st.composite
def broken_manifests(draw: st.DrawFn) -> Any:
    """A valid manifest with one to three places changed."""
    document: Any = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        inner = [path for path in paths(document) if path and len(path) < 20][:200]
        if not inner:
            break
        *way, key = draw(st.sampled_from(inner))
        parent = document
        for step in way:
            parent = parent[step]
        draw(st.sampled_from(MUTATIONS))(parent, key, copy.deepcopy(draw(odd_values)))
    return document


def assert_readable(field: str, message: str) -> None:
    assert field
    assert message
    assert (field + message).isprintable(), "a refusal is one line, whatever was written"
    assert len(message) < 400


@pytest.mark.parametrize("document", VALID, ids=lambda document: document["metadata"]["name"])
def test_what_is_broken_here_was_whole_before(document: dict[str, Any]) -> None:
    assert isinstance(parse(document), TaskType | UserSubscription)


@fuzz(0.5)
@given(broken_manifests() | odd_values)
def test_a_broken_manifest_becomes_a_value_or_refusals_that_name_a_field(document: Any) -> None:
    try:
        value = parse(document)
    except ManifestRefusedError as error:
        refusals = error.refusals
    else:
        all_params = [value.params] if isinstance(value, TaskType) else [task.params for task in value.tasks]
        assert all(json_bytes(params) <= 1_024 for params in all_params)
        return
    assert refusals
    for refusal in refusals:
        assert_readable(refusal.field, refusal.message)


def as_yaml(document: Any) -> bytes:
    return yaml.dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")


def as_json(document: Any) -> bytes:
    return json.dumps(document, default=str, skipkeys=True, indent=1).encode()


def as_line(document: Any) -> bytes:
    return json.dumps(document, default=str, skipkeys=True).encode()


WRITERS: dict[str, Callable[[Any], bytes]] = {".yaml": as_yaml, ".json": as_json, ".ndjson": as_line}
EDITS = st.tuples(
    st.integers(min_value=0, max_value=2_000),
    st.integers(min_value=0, max_value=4),
    st.sampled_from(
        [
            b"",
            b" ",
            b"\n",
            b"\t",
            b"- ",
            b": ",
            b"{",
            b"]",
            b"'",
            b'"',
            b"&a ",
            b"*a",
            b"<<: ",
            b"!!x ",
            b"---\n",
            b"\xff",
            b"\0",
            b"#",
            b"? ",
            b"|\n",
            b"\\u",
            b"[" * 3_000,
            b"0",
            b"no",
            b"a: 1\na: 2\n",
            b"%YAML 1.1\n",
        ]
    ),
)


@fuzz(0.3)
@given(
    document=broken_manifests(),
    suffix=st.sampled_from(sorted(WRITERS)),
    edits=st.lists(EDITS, max_size=3),
)
def test_a_broken_file_becomes_declarations_or_faults_with_a_line(
    tmp_path: Path, document: Any, suffix: str, edits: list[tuple[int, int, bytes]]
) -> None:
    data = WRITERS[suffix](document)
    for at, length, written in edits:
        start = at % (len(data) + 1)
        data = data[:start] + written + data[start + length :]
    path = tmp_path / f"manifests{suffix}"
    path.write_bytes(data)
    read = read_manifest_file(path)
    assert read.declarations or read.faults
    for fault in read.faults:
        assert_readable(fault.field, fault.message)
        assert fault.document >= 1
        assert 1 <= fault.line <= len(data.decode("utf-8", "replace").splitlines()) + 1


@st.composite
def rows(draw: st.DrawFn) -> bytes:
    """Lines of an import, in either form, some of them broken as text."""
    document = draw(broken_manifests())
    short = isinstance(document, dict) and draw(st.booleans())
    line = as_line(document.get("spec") if short else document)
    at, length, written = draw(EDITS)
    start = at % (len(line) + 1)
    return line[:start] + written + line[start + length :] if draw(st.booleans()) else line


@fuzz(0.1)
@given(st.lists(rows(), max_size=3))
def test_a_broken_row_of_an_import_becomes_a_user_or_faults_of_that_row(
    tmp_path: Path, lines: list[bytes]
) -> None:
    path = tmp_path / "users.ndjson"
    path.write_bytes(b"\n".join(lines))
    assert_rows(path)


cells = texts.filter(lambda text: "\ud800" not in text) | st.sampled_from(
    ["u-1", "u-1", "fetch-orders", '{"a": 1}', "true", '{"a":1,"a":2}']
)


@fuzz(0.1)
@given(
    header=st.permutations(["userId", "type", "params", "suspend"]) | st.lists(cells, max_size=4),
    body=st.lists(st.lists(cells, max_size=5), max_size=4),
    tail=st.sampled_from([b"", b'"', b"\xff,\xfe", b"\n\n", b'a"b,c']),
)
def test_broken_csv_becomes_users_or_faults(
    tmp_path: Path, header: list[str], body: list[list[str]], tail: bytes
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([header, *body])
    path = tmp_path / "users.csv"
    path.write_bytes(text.getvalue().encode() + tail)
    assert_rows(path)


def assert_rows(path: Path) -> None:
    for line, row in read_users(path):
        assert line >= 1
        if isinstance(row, Fault):
            assert_readable(row.field, row.message)
            assert row.line >= line
        else:
            assert row.user_id
