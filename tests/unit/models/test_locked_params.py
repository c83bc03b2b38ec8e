"""Locked params belong to the type: a task that overrides one does not run, and no job gets another value."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from taskqueue.models.locked_params import Locks
from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.sources.folder import load
from taskqueue_operator.object_table import ObjectTable
from taskqueue_worker.task_types import BoundType
from tests.support.kubernetes.raw_objects import task_type, user

HOURLY = Schedule(interval_s=3_600)
PARAMS = {"region": "eu", "url": {"host": "a", "port": 1}}
SYNC = TaskType("sync", HOURLY, function="f", params=PARAMS, locked_params=("region", "url"))
FREE = TaskType("free", HOURLY, function="f", params=PARAMS)
OWN = {"region": "us"}


def locking(locked: Any) -> dict[str, Any]:
    spec = {"schedule": {"interval": "1h"}, "handler": {"function": "f"}, "lockedParams": locked}
    return {"apiVersion": API_VERSION, "kind": "TaskType", "metadata": {"name": "sync"}, "spec": spec}


def test_locked_params_are_names_and_their_order_is_none() -> None:
    for locked in (["url", "region"], ["region", "url"]):
        value = parse(locking(locked))
        assert isinstance(value, TaskType)
        assert value.locked_params == ("region", "url")
    absent = parse(locking(None))
    assert isinstance(absent, TaskType)
    assert absent.locked_params == ()
    longest = parse(locking([f"{'n' * 61}{number:02}" for number in range(64)]))
    assert isinstance(longest, TaskType)
    assert len(longest.locked_params) == 64


@pytest.mark.parametrize(
    ("locked", "says"),
    [
        (["a", "b", "a"], 'spec.lockedParams[2]: remove "a": lockedParams[0] lists it already'),
        ([""], 'spec.lockedParams[0]: must be the name of a param, 1 to 63 characters (was "")'),
        (["n" * 64], "spec.lockedParams[0]: must be the name of a param, 1 to 63 characters (was "),
        ([f"n{number}" for number in range(65)], "spec.lockedParams: must have at most 64 items (was 65)"),
        ([None], "spec.lockedParams[0]: must be text, in quotes"),
        ([1], "spec.lockedParams[0]: must be text, in quotes"),
        (["\ud800"], "spec.lockedParams[0]: text must have whole characters"),
        ("region", "spec.lockedParams: must be a list, such as [a, b]"),
        ({"region": True}, "spec.lockedParams: must be a list"),
    ],
    ids=[
        "twice",
        "empty",
        "too long",
        "too many",
        "null",
        "a number",
        "half a character",
        "text",
        "a mapping",
    ],
)
def test_a_bad_list_is_refused(locked: Any, says: str) -> None:
    with pytest.raises(ManifestRefusedError) as refused:
        parse(locking(locked))
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("own", "given"),
    [
        ({}, PARAMS),
        (OWN, PARAMS),
        ({"url": {"port": 2}}, PARAMS),
        ({"region": None, "full": True}, PARAMS | {"full": True}),
        ({"REGION": "us"}, PARAMS | {"REGION": "us"}),
    ],
    ids=["nothing", "one", "below a locked name", "null and another", "another case"],
)
def test_a_job_is_given_the_types_value(own: dict[str, Any], given: dict[str, Any]) -> None:
    assert BoundType(SYNC, None).params(own) == given
    assert BoundType(FREE, None).params(own) == PARAMS | own


def test_a_locked_param_without_a_value_cannot_be_given() -> None:
    spec = TaskType("sync", HOURLY, function="f", locked_params=("region",))
    assert BoundType(spec, None).params(OWN) == {}


def test_only_the_overriding_task_is_suspended() -> None:
    locks = Locks.of([SYNC, FREE])
    tasks = (Subscription("sync", OWN), Subscription("free", OWN), Subscription("gone", OWN))
    wanted = UserSubscription("ada", tasks)
    assert locks.refused(wanted) == {"sync": ("region",)}
    assert locks.apply(wanted).tasks == (Subscription("sync", OWN, suspend=True), *tasks[1:])
    harmless = UserSubscription("ada", (Subscription("sync", {"full": True}), Subscription("sync")))
    assert locks.apply(harmless) is harmless
    assert Locks.of([FREE]).apply(wanted) is wanted


def test_a_folder_names_overriding_tasks_and_runs_the_rest(tmp_path: Path) -> None:
    users = [
        {
            "metadata": {"name": name},
            "spec": {"tasks": [{"type": "sync", "params": params}, {"type": "free"}]},
        }
        for name, params in (("ada", OWN), ("bob", {"url": 1, "full": 2}), ("eve", {"full": 2}))
    ]
    free = locking([]) | {"metadata": {"name": "free"}}
    documents = [locking(["region", "url"]), free]
    documents += [{"apiVersion": API_VERSION, "kind": "UserSubscription", **one} for one in users]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all(documents))
    desired = load(tmp_path)
    assert (desired.faults, desired.unresolved, len(desired.users)) == ((), (), 3)
    assert [str(one) for one in desired.overriding] == [
        "ada and 1 more: the task does not run: remove region, url: the task type sync locks them"
    ]
    assert {load.type: load.subscriptions for load in desired.demands()} == {"sync": 1, "free": 3}


def test_objects_name_overriding_tasks() -> None:
    table = ObjectTable()
    table.put("TaskType", task_type("sync", 1, locking(["region"])["spec"]))
    table.put("UserSubscription", user("ada", 2, {"tasks": [{"type": "sync", "params": OWN}]}))
    (overriding,) = table.desired().overriding
    assert str(overriding) == "ada: the task does not run: remove region: the task type sync locks it"
