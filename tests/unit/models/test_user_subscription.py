from typing import Any

import pytest

from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.refusal import ManifestRefusedError, Refusal
from taskqueue.models.values import Subscription, UserSubscription


def manifest(spec: Any, name: str = "u-1") -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "UserSubscription", "metadata": {"name": name}, "spec": spec}


def refusals(document: object) -> tuple[Refusal, ...]:
    with pytest.raises(ManifestRefusedError) as error:
        parse(document)
    return error.value.refusals


def test_the_user_is_the_object_unless_another_is_named() -> None:
    assert parse(manifest({})) == UserSubscription("u-1")
    assert parse(manifest({"userId": "A@b.c", "suspend": True})) == UserSubscription("A@b.c", suspend=True)


def test_tasks_keep_their_order_params_and_suspension() -> None:
    tasks = [{"type": "b", "params": {"region": "eu"}}, {"type": "a", "suspend": True}]
    assert parse(manifest({"tasks": tasks})) == UserSubscription(
        "u-1", (Subscription("b", {"region": "eu"}), Subscription("a", suspend=True))
    )


def test_a_null_stands_for_an_absent_field() -> None:
    assert parse(manifest({"userId": None, "suspend": None, "tasks": None})) == UserSubscription("u-1")
    tasks = [{"type": "a", "params": None, "suspend": None}]
    assert parse(manifest({"userId": "u-1", "tasks": tasks})) == UserSubscription("u-1", (Subscription("a"),))


@pytest.mark.parametrize(
    ("spec", "field", "says"),
    [
        ({"userId": 42}, "spec.userId", "must be text, in quotes"),
        ({"tasks": [{"type": None}]}, "spec.tasks[0].type", "add type: it is required"),
        ({"tasks": [None]}, "spec.tasks[0]", "must be a mapping with type, params, suspend"),
        ({"userID": None}, "spec.userID", 'unknown field: must be "userId"'),
        (None, "spec", "add spec: it is required"),
        ({"userId": "a b"}, "spec.userId", "printable ASCII"),
        ({"userID": "a"}, "spec.userID", 'unknown field: must be "userId"'),
        ({"suspend": 0}, "spec.suspend", "must be true or false"),
        ({"tasks": {"type": "a"}}, "spec.tasks", "must be a list"),
        ({"tasks": ["a"]}, "spec.tasks[0]", "must be a mapping with type, params, suspend"),
        ({"tasks": [{}]}, "spec.tasks[0].type", "add type: it is required"),
        ({"tasks": [{"type": "A"}]}, "spec.tasks[0].type", "lower case"),
        ({"tasks": [{"type": "a", "params": []}]}, "spec.tasks[0].params", "must be a mapping"),
        ({"tasks": [{"type": "a", "parms": {}}]}, "spec.tasks[0].parms", 'unknown field: must be "params"'),
        ({"tasks": [{"type": "a"}, {"type": "a"}]}, "spec.tasks[1].type", "tasks[0] lists it already"),
        (
            {"tasks": [{"type": f"a{n}"} for n in range(501)]},
            "spec.tasks",
            "must have at most 500 items (was 501)",
        ),
    ],
)
def test_a_bad_field_is_named_with_its_remedy(spec: Any, field: str, says: str) -> None:
    (refusal,) = refusals(manifest(spec))
    assert refusal.field == field
    assert says in refusal.message


def test_only_quotable_values_suggest_quotes() -> None:
    (number,) = refusals(manifest({"userId": 42}))
    (wrong,) = refusals(manifest({"userId": "a b"}))
    assert (number.unquoted, wrong.unquoted) == (True, False)


def test_a_name_too_long_for_an_id_asks_for_one() -> None:
    (refusal,) = refusals(manifest({}, name="a" * 129))
    assert (refusal.field, refusal.message) == (
        "spec.userId",
        "add userId: the object's name is longer than 128 characters",
    )
    assert parse(manifest({"userId": "short"}, name="a" * 253)) == UserSubscription("short")


def test_params_of_all_tasks_together_are_bounded() -> None:
    fits = [{"type": f"a{n}", "params": {"x": "y" * 1_016}} for n in range(64)]
    assert parse(manifest({"tasks": fits}))
    (refusal,) = refusals(manifest({"tasks": [*fits, {"type": "b", "params": {}}]}))
    assert refusal.field == "spec.tasks"
    assert "at most 65536 bytes of params in all (was 65538)" in refusal.message


def test_every_fault_of_every_task_is_listed_at_once() -> None:
    odd = [{"type": f"a{n}"} for n in range(64)]
    found = refusals(
        manifest({"tasks": [{"type": "a", "suspend": 1}, {"type": "a"}, 5, {"params": {"x": {2}}}, *odd]})
    )
    assert [refusal.field for refusal in found] == [
        "spec.tasks[0].suspend",
        "spec.tasks[2]",
        "spec.tasks[3].type",
        "spec.tasks[3].params",
        "spec.tasks[1].type",
    ]
