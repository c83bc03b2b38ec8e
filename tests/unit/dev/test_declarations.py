"""Folders without types or users are told so when a run begins."""

from pathlib import Path

import pytest

from taskqueue.dev.declarations import find_gap

TYPE = "apiVersion: taskqueue.dev/v1alpha1\nkind: TaskType\nmetadata: {name: sync}\n"
USER = '{"apiVersion": "taskqueue.dev/v1alpha1", "kind": "UserSubscription", "metadata": {"name": "ada"}}'


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            {},
            ": add a TaskType and a UserSubscription",
        ),
        ({"a.yaml": USER}, "declares no TaskType, so no job will be due: add a TaskType"),
        ({"a.yaml": TYPE}, "declares no UserSubscription, so no job will be due: add a UserSubscription"),
        ({"a.yaml": f"# a UserSubscription\n{TYPE}"}, "declares no UserSubscription, "),
        ({"a.yaml": TYPE, "make_users.py": ""}, "/make_users.py --out "),
    ],
)
def test_a_folder_without_a_kind_is_told_its_remedy(tmp_path: Path, files: dict[str, str], says: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    gap = find_gap(tmp_path)
    assert gap
    assert gap.startswith(f"{tmp_path} declares no ")
    assert says in gap


def test_a_folder_with_types_and_users_is_told_nothing(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(TYPE)
    (tmp_path / "users.ndjson").write_text(USER)
    assert find_gap(tmp_path) is None
    assert find_gap(tmp_path / "absent") is not None
