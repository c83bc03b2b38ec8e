"""`read_plain_user` returns the same user as the models, or None: the models then read the spec."""

from typing import Any

import pytest

from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.plain_user import read_plain_user

TASK = {"type": "orders"}
PLAIN: dict[str, dict[str, Any]] = {
    "no task": {"tasks": []},
    "a task": {"tasks": [TASK]},
    "zone": {"timeZone": "Europe/Berlin", "tasks": [TASK]},
    "zone null": {"timeZone": None, "tasks": [TASK]},
    "suspended": {"suspend": True, "tasks": [TASK | {"suspend": False}]},
    "all of a task": {
        "tasks": [{"type": "b", "params": {"a": [1, None]}, "suspend": True, "interval": "5m"}, TASK]
    },
    "interval null": {"tasks": [TASK | {"interval": None}]},
    "many tasks": {"tasks": [{"type": f"t-{n}", "params": {"text": "x" * 1_000}} for n in range(64)]},
}
OTHERS: dict[str, dict[str, Any]] = {
    "limits": {"tasks": [TASK], "limits": []},
    "no tasks": {},
    "too many tasks": {"tasks": [{"type": f"t-{n}"} for n in range(65)]},
    "user": {"userId": "a b", "tasks": [TASK]},
    "user as number": {"userId": 7, "tasks": [TASK]},
    "unknown field": {"tasks": [TASK], "task": []},
    "unknown field of a task": {"tasks": [TASK | {"param": {}}]},
    "zone unknown": {"timeZone": "CEST", "tasks": [TASK]},
    "zone empty": {"timeZone": "", "tasks": [TASK]},
    "suspend as number": {"suspend": 1, "tasks": [TASK]},
    "suspend of a task as number": {"tasks": [TASK | {"suspend": 1}]},
    "tasks as mapping": {"tasks": {"type": "orders"}},
    "task as text": {"tasks": ["orders"]},
    "type": {"tasks": [{"type": "A b"}]},
    "type as list": {"tasks": [{"type": ["orders"]}]},
    "type twice": {"tasks": [TASK, TASK]},
    "params as list": {"tasks": [TASK | {"params": []}]},
    "params too big": {"tasks": [TASK | {"params": {"text": "x" * 1_024}}]},
    "interval as number": {"tasks": [TASK | {"interval": 300}]},
    "interval of 0 s": {"tasks": [TASK | {"interval": "0s"}]},
}  # fmt: skip


@pytest.mark.parametrize("spec", PLAIN.values(), ids=PLAIN)
def test_a_plain_spec_is_read_as_by_the_models(spec: dict[str, Any]) -> None:
    spec = {"userId": "auth0|7", **spec}
    document = {
        "apiVersion": API_VERSION,
        "kind": "UserSubscription",
        "metadata": {"name": "u"},
        "spec": spec,
    }
    found = read_plain_user(spec)
    assert found is not None
    assert found == parse(document)


@pytest.mark.parametrize("spec", OTHERS.values(), ids=OTHERS)
def test_another_spec_is_left_to_the_models(spec: dict[str, Any]) -> None:
    assert read_plain_user({"userId": "auth0|7", **spec}) is None
