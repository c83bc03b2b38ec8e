"""Limits of manifests, told to the example API when a run begins."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from taskqueue.dev.api_limits import rules, send_limits
from taskqueue.dev.children import ChildError, listening, start_python
from taskqueue.dev.example_api.rules import Rules
from taskqueue.dev.limit_counts import read_limit_counts
from taskqueue.dev.snapshot import _read
from taskqueue.sources.folder import load

MANIFESTS = """
apiVersion: taskqueue.dev/v1alpha1
kind: RateLimit
metadata: {name: app}
spec: {key: Release, rate: {requests: 1, per: 1m}}
---
apiVersion: taskqueue.dev/v1alpha1
kind: RateLimit
metadata: {name: shop}
spec: {key: User, rate: {requests: 2, per: 1s}, burst: 40, within: app}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: ada}
spec:
  tasks: []
  limits: [{name: shop, rate: {requests: 20, per: 1s}, burst: 400}]
"""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[str]:
    read, write = os.pipe()
    child = start_python("api", "taskqueue.dev.example_api", ["--port", "0"], tmp_path, read)
    try:
        yield f"http://{child.wait_for(listening)}"
    finally:
        child.stop(5)
        os.close(read)
        os.close(write)


def folder_of(path: Path, text: str) -> Path:
    folder = path / "manifests"
    folder.mkdir()
    (folder / "all.yaml").write_text(text)
    return folder


def test_api_has_the_limits_of_the_manifests(tmp_path: Path, api: str) -> None:
    send_limits(api, folder_of(tmp_path, MANIFESTS))
    counts = read_limit_counts(_read(f"{api}/-/limits"))
    assert [(one.name, one.key, one.per_second) for one in counts] == [
        ("app", "Release", 1 / 60),
        ("shop", "User", 2.0),
    ]


def test_values_of_users_are_told_as_well(tmp_path: Path) -> None:
    desired = load(folder_of(tmp_path, MANIFESTS))
    assert desired.faults == ()
    told = msgspec.convert({"limits": rules(desired.limits, desired.users)}, Rules)
    shop = next(rule for rule in told.limits if rule.name == "shop")
    assert [(values.per_second, values.burst) for values in map(shop.values_of, ("ada", "bob"))] == [
        (20, 400),
        (2, 40),
    ]
    assert told.path_of("shop") == ("shop", "app")


def test_folder_without_a_limit_is_not_read(tmp_path: Path) -> None:
    send_limits("http://127.0.0.1:9", folder_of(tmp_path, "kind: TaskType"))
    (tmp_path / "manifests" / "limit.yaml").write_text(MANIFESTS)
    with pytest.raises(ChildError, match="did not take the limits of"):
        send_limits("http://127.0.0.1:9", tmp_path / "manifests")
