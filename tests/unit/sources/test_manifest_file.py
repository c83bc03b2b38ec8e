import json
from pathlib import Path
from typing import Any

import pytest

from taskqueue.models.manifest import API_VERSION
from taskqueue.models.values import Subscription, UserSubscription
from taskqueue.sources.declaration import Key
from taskqueue.sources.manifest_file import ManifestFile, read_manifest_file


def read(folder: Path, name: str, text: str | bytes) -> ManifestFile:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manifest_file(path)


def faults(found: ManifestFile) -> list[tuple[int, int, str, str]]:
    return [(fault.document, fault.line, fault.field, fault.message) for fault in found.faults]


def user(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "UserSubscription", "metadata": {"name": name}, "spec": spec}


HEAD = "apiVersion: taskqueue.dev/v1alpha1\nkind: UserSubscription\n"


def test_many_documents_declare_many_things(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "all.yaml",
        f"{HEAD}metadata: {{name: ada}}\nspec: {{tasks: [{{type: fetch-orders}}]}}\n---\n"
        "apiVersion: taskqueue.dev/v1alpha1\nkind: TaskType\nmetadata: {name: fetch-orders}\n"
        "spec: {schedule: {interval: 5m}, handler: {function: f}}\n---\n",
    )
    assert found.faults == ()
    assert list(found.declarations) == [Key("UserSubscription", "ada"), Key("TaskType", "fetch-orders")]
    ada = found.declarations[Key("UserSubscription", "ada")]
    assert ada.value == UserSubscription("ada", (Subscription("fetch-orders"),))
    assert (ada.document, ada.line) == (1, 1)


@pytest.mark.parametrize("name", ["users.json", "users.yaml", "users.ndjson", "users.YML"])
def test_a_kubectl_list_is_taken_apart(tmp_path: Path, name: str) -> None:
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [user("ada"), user("bob", userId="b-1")]})
    found = read(tmp_path, name, text)
    assert found.faults == ()
    assert list(found.declarations) == [Key("UserSubscription", "ada"), Key("UserSubscription", "b-1")]
    assert found.declarations[Key("UserSubscription", "b-1")].field == "items[1].spec.userId"


def test_faults_in_a_list_name_the_item_and_its_line(tmp_path: Path) -> None:
    items = [user("ada"), user("bob", suspend="no"), 5, {"apiVersion": "v1", "kind": "List", "items": []}]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1)
    found = read(tmp_path, "users.json", text)
    lines = text.splitlines()
    suspend = next(number for number, line in enumerate(lines, start=1) if '"suspend"' in line)
    assert [(line, field) for _, line, field, _ in faults(found)] == [
        (suspend, "items[1].spec.suspend"),
        (lines.index("  5,") + 1, "items[2]"),
        (len(lines) - 5, "items[3].apiVersion"),
    ]


def test_a_list_without_items_is_a_fault(tmp_path: Path) -> None:
    found = read(tmp_path, "a.yaml", "apiVersion: v1\nkind: List\n")
    assert [field for _, _, field, _ in faults(found)] == ["items[0]"]


def test_an_empty_list_declares_nothing_and_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, "a.yaml", "apiVersion: v1\nkind: List\nitems: []\n")
    assert "delete the file" in found.faults[0].message


@pytest.mark.parametrize(
    ("text", "raw", "line"),
    [
        (f"{HEAD}metadata: {{name: a}}\nspec:\n  userId: 0042\n", "0042", 5),
        (f"{HEAD}metadata: {{name: a}}\nspec:\n  userId: no\n", "no", 5),
        (f"{HEAD}metadata: {{name: a}}\nspec:\n  userId: 1e3\n", "1e3", 5),
        (f"{HEAD}metadata:\n  name: 1_000\nspec: {{}}\n", "1_000", 4),
    ],
)
def test_text_converted_by_yaml_suggests_quotes(tmp_path: Path, text: str, raw: str, line: int) -> None:
    found = read(tmp_path, "a.yaml", text)
    assert [(line, message) for _, line, _, message in faults(found)] == [
        (line, f'must be text (was {raw} without quotes); write "{raw}"')
    ]


def test_every_fault_of_every_document_is_listed_in_order_of_line(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "a.yaml",
        f"{HEAD}metadata: {{name: a}}\nspec:\n  tasks: 5\n  suspend: 1\n  suspend: true\n---\n"
        f"{HEAD}metadata: {{name: A}}\nspec:\n  userId: b\n  zzz: 1\n---\nfoo: bar\n",
    )
    assert [(document, line, field) for document, line, field, _ in faults(found)] == [
        (1, 5, "spec.tasks"),
        (1, 7, "spec.suspend"),
        (2, 11, "metadata.name"),
        (2, 14, "spec.zzz"),
        (3, 16, "manifest"),
    ]


def test_a_missing_field_is_placed_at_its_mapping(tmp_path: Path) -> None:
    found = read(
        tmp_path, "a.yaml", f"{HEAD}metadata: {{name: a}}\nspec:\n  tasks:\n  - type: a\n  - suspend: true\n"
    )
    assert faults(found) == [(1, 7, "spec.tasks[1].type", "add type: it is required")]


def test_the_second_declaration_of_a_user_names_the_first(tmp_path: Path) -> None:
    second = user("other", userId="ada")
    found = read(tmp_path, "a.ndjson", f"{json.dumps(user('ada'))}\n\n{json.dumps(second)}\n")
    (fault,) = found.faults
    assert (fault.document, fault.line, fault.field) == (3, 3, "spec.userId")
    assert "UserSubscription ada is declared at" in fault.message
    assert "a.ndjson:1 (document 1) metadata.name already" in fault.message


@pytest.mark.parametrize(
    ("name", "data", "line", "says"),
    [
        (
            "a.yaml",
            b"a: 1\nb: c: d\n",
            2,
            "must be YAML: mapping values are not allowed in this context, at column 5",
        ),
        ("a.yaml", b"a: 1\n---\nb: [\n", 4, "must be YAML"),
        ("a.yaml", b"a: \xff\n", 1, "UTF-8"),
        ("a.yaml", b"a: \x01\n", 1, "control characters"),
        ("a.json", b'{\n"a" 1}', 2, "must be JSON: a colon is missing, at column 5"),
        ("a.ndjson", b"\n{", 2, "must be JSON"),
        ("a.yaml", b"", 1, "must have a manifest; to remove what the file declared, delete the file"),
        ("a.yaml", b"# only\n---\n", 1, "must have a manifest"),
        ("a.ndjson", b"\n\n", 1, "must have a manifest"),
        ("a.json", b"null", 1, "must be a mapping"),
    ],
)
def test_an_unreadable_file_is_refused_with_its_place(
    tmp_path: Path, name: str, data: bytes, line: int, says: str
) -> None:
    found = read(tmp_path, name, data)
    assert found.faults[-1].line == line
    assert says in found.faults[-1].message
    assert found.declarations == {}


def test_a_bad_line_does_not_hide_the_rest(tmp_path: Path) -> None:
    good = json.dumps(user("ada"))
    found = read(tmp_path, "a.ndjson", f"\ufeff{good}\n{{\n{json.dumps(user('bob', zzz=1))}\nnull\n")
    assert list(found.declarations) == [Key("UserSubscription", "ada")]
    assert [(line, field) for _, line, field, _ in faults(found)] == [
        (2, "manifest"),
        (3, "spec.zzz"),
        (4, "manifest"),
    ]


def test_a_vanished_file_is_a_fault(tmp_path: Path) -> None:
    (fault,) = read_manifest_file(tmp_path / "gone.yaml").faults
    assert "gone.yaml: make the file readable: No such file or directory" in str(fault)


def test_no_fault_repeats_params_urls_or_headers(tmp_path: Path) -> None:
    handler = {"http": {"url": "ftp://user:s3cret@h/", "headers": {"Authorization": "s3cret\n"}}}
    spec = {
        "schedule": {"interval": "5m"},
        "handler": handler,
        "params": {"token": ["s3cret", float("1e300"), "x" * 2_000]},
    }
    document = {"apiVersion": API_VERSION, "kind": "TaskType", "metadata": {"name": "a"}, "spec": spec}
    found = read(tmp_path, "a.json", json.dumps(document))
    assert len(found.faults) == 3
    assert "s3cret" not in "".join(map(str, found.faults))
