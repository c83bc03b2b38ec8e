"""Events report faults of a task type, suspensions of a user, and their ends: once, and few at one time."""

from collections.abc import Mapping
from typing import Any

import pytest

from taskqueue_operator.connection import ApiError
from taskqueue_operator.events import Events, changes
from taskqueue_operator.objects import Object, read
from tests.support.kubernetes.raw_objects import task_type, user
from tests.support.process.virtual_time import virtual_time


def status(**conditions: str) -> dict[str, Any]:
    """Make a status of conditions by type, each True, False or Unknown."""
    listed = [
        {"type": name, "status": value, "reason": f"Is{value}", "message": ""}
        for name, value in conditions.items()
    ]
    return {"conditions": listed}


def a_type(before: Mapping[str, Any] | None = None) -> Object:
    return read("TaskType", task_type("orders", 7, status=before))


def a_user(before: Mapping[str, Any] | None = None) -> Object:
    return read("UserSubscription", user("ada", 7, status=before))


class RecordingApi:
    def __init__(self) -> None:
        self.events: list[tuple[str, str, str]] = []
        self.error: Exception | None = None

    async def create_event(self, about: Object, identity: str, kind: str, reason: str, note: str) -> None:
        if self.error:
            raise self.error
        self.events.append((about.name, kind, reason))


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (None, status(Accepted="True", HandlerRegistered="Unknown"), []),
        (None, status(Accepted="False"), ["IsFalse"]),
        (status(Accepted="Unknown"), status(Accepted="True"), []),
        (status(HandlerRegistered="Unknown"), status(HandlerRegistered="False"), ["IsFalse"]),
        (status(HandlerRegistered="False"), status(HandlerRegistered="True"), ["IsTrue"]),
        (status(HandlerRegistered="False"), status(HandlerRegistered="False"), []),
        (status(ResolvedRefs="True"), status(ResolvedRefs="False"), ["IsFalse"]),
        (status(Feasible="True", Ready="True"), status(Feasible="False", Ready="False"), ["IsFalse"]),
    ],
    ids=[
        "new and right",
        "new and wrong",
        "seen",
        "wrong",
        "right again",
        "still wrong",
        "a missing limit",
        "Ready repeats",
    ],
)
def test_news_is_a_new_or_repaired_fault(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], reasons: list[str]
) -> None:
    assert [condition["reason"] for condition in changes(a_type(before), after)] == reasons


def test_a_manifest_of_a_user_has_no_events() -> None:
    assert list(changes(a_user(), status(Accepted="False", ResolvedRefs="False"))) == []


@virtual_time
async def test_a_suspension_and_its_end_are_events_of_the_user() -> None:
    api = RecordingApi()
    events = Events(api, "replica-0")
    broken = status(SuspendedByBreaker="True")
    await events.send(a_user(), broken)
    await events.send(a_user(broken), broken)
    await events.send(a_user(broken), status(SuspendedByBreaker="False"))
    assert api.events == [("ada", "Warning", "IsTrue"), ("ada", "Normal", "IsFalse")]


@virtual_time
async def test_a_storm_of_suspensions_leaves_types_their_events() -> None:
    api = RecordingApi()
    events = Events(api, "replica-0")
    for _ in range(1_000):
        await events.send(a_user(), status(SuspendedByBreaker="True"))
    assert api.events == [("ada", "Warning", "IsTrue")] * 10
    await events.send(a_type(), status(Feasible="False"))
    assert api.events[10:] == [("orders", "Warning", "IsFalse")]


@virtual_time
async def test_at_most_ten_events_are_sent_a_minute() -> None:
    api = RecordingApi()
    events = Events(api, "replica-0")
    for _ in range(30):
        await events.send(a_type(), status(Feasible="False"))
    assert api.events == [("orders", "Warning", "IsFalse")] * 10


@virtual_time
async def test_a_failed_event_is_not_repeated() -> None:
    api = RecordingApi()
    events = Events(api, "replica-0")
    api.error = ApiError(403)
    await events.send(a_type(), status(Feasible="False"))
    api.error = None
    await events.send(a_type(status(Feasible="False")), status(Feasible="False"))
    assert api.events == []
    await events.send(a_type(status(Feasible="False")), status(Feasible="True"))
    assert api.events == [("orders", "Normal", "IsTrue")]
