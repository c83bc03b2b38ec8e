"""Valid manifests, broken in every way a person or a program breaks them: none may crash the reader.

TASKQUEUE_FUZZ is the number of manifests in all: 1,000 with every change, 100,000 before a release.
"""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskqueue.models.fault import Fault
from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.params import json_bytes
from taskqueue.models.plain_user import read_plain_user
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.values import Declared, TaskType, UserSubscription
from taskqueue.sources.manifest_file import read_manifest_file
from taskqueue.sources.users_file import read_users
from tests.support.manifests.broken import EDITS, VALID, assert_readable, broken_manifests, odd_values, texts

MANIFESTS = int(os.environ.get("TASKQUEUE_FUZZ") or "1000")


def fuzz(share: float) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=max(1, int(MANIFESTS * share)), deadline=None, suppress_health_check=checks)


@pytest.mark.parametrize("document", VALID, ids=lambda document: document["metadata"]["name"])
def test_every_broken_case_was_valid_before(document: dict[str, Any]) -> None:
    assert isinstance(parse(document), Declared)


@fuzz(0.5)
@given(broken_manifests() | odd_values)
def test_a_broken_manifest_gives_a_value_or_named_fields(document: Any) -> None:
    try:
        value = parse(document)
    except ManifestRefusedError as error:
        refusals = error.refusals
    else:
        all_params = [value.params] if isinstance(value, TaskType) else []
        if isinstance(value, UserSubscription):
            all_params = [task.params for task in value.tasks]
        assert all(json_bytes(params) <= 1_024 for params in all_params)
        return
    assert refusals
    for refusal in refusals:
        assert_readable(refusal.field, refusal.message)


@fuzz(0.2)
@given(broken_manifests())
def test_a_plain_user_is_read_as_by_the_models(document: Any) -> None:
    spec = document.get("spec") if isinstance(document, dict) else None
    if not isinstance(spec, dict) or not isinstance(spec.get("tasks"), list):
        return
    plain = {key: value for key, value in spec.items() if key != "limits"}
    found = read_plain_user(plain)
    if found:
        shell = {"apiVersion": API_VERSION, "kind": "UserSubscription", "metadata": {"name": "u"}}
        assert found == parse(shell | {"spec": plain})


def as_yaml(document: Any) -> bytes:
    return yaml.dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")


def as_json(document: Any) -> bytes:
    return json.dumps(document, default=str, skipkeys=True, indent=1).encode()


def as_line(document: Any) -> bytes:
    return json.dumps(document, default=str, skipkeys=True).encode()


WRITERS: dict[str, Callable[[Any], bytes]] = {".yaml": as_yaml, ".json": as_json, ".ndjson": as_line}


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
def test_a_broken_import_row_gives_a_user_or_faults(tmp_path: Path, lines: list[bytes]) -> None:
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
