"""Conditions of limits, and of types and users that name limits."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from taskqueue.models.values import Limit, LimitKey
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import Object, read
from taskqueue_operator.status import agrees, status_of
from taskqueue_operator.status_inputs import StatusInputs
from tests.support.kubernetes.raw_objects import GOOD, rate_limit, task_type, user

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FAULT = 'spec.key: must be "Release" or "User" (was "Nobody")'
KEPT = f"{FAULT} (the last accepted state stays in force)"
DELETED = "is deleted, its last value stays in force until no type names it: apply it, or"
MANY = [f"l{number:02}" for number in range(12)]


def a_limit(spec: Mapping[str, Any] | None = None) -> Object:
    return read("RateLimit", rate_limit("shop", 7, spec))


def inside(outer: str) -> Object:
    return a_limit({**GOOD["RateLimit"], "within": outer})


def a_type(*names: str) -> Object:
    spec = {**GOOD["TaskType"], "limits": [{"name": name} for name in names]}
    return read("TaskType", task_type("sync", 7, spec))


def a_user(*names: str, **more: Any) -> Object:
    rate = {"requests": 20, "per": "1s"}
    return read(
        "UserSubscription",
        user("ada", 7, {"limits": [{"name": name, "rate": rate} for name in names], **more}),
    )


def inputs(
    *names: str, known: Mapping[str, str | None] | None = None, refused: Mapping[str, str] | None = None
) -> StatusInputs:
    """Make inputs. names: of limits in force.   known: further limits by name, each with the one around it."""
    limits = {name: Limit(name, LimitKey.RELEASE, 1.0) for name in names}
    former = {name: Limit(name, LimitKey.USER, 1.0, within=outer) for name, outer in (known or {}).items()}
    return StatusInputs(
        types={},
        duplicates={},
        imported=frozenset(),
        handlers=None,
        paused=frozenset(),
        limited=True,
        infeasible="",
        subscriptions={},
        minute=0,
        limits={**limits, **{name: one for name, one in former.items() if name.startswith("in-")}},
        known_limits={**limits, **former},
        refused_limits=refused or {},
    )


NOT_FOUND, REFUSED, GONE = "RateLimitNotFound", "RateLimitRefused", "RateLimitDeleted"
NO_JOB = "; no job of this type starts until then"
WAIT = "; jobs that take from this limit wait until then"

#: An object, its inputs, the condition, and its message.
CASES: dict[str, tuple[Object, StatusInputs, tuple[str, str, str], str]] = {
    "a limit": (a_limit(), inputs(), ("Ready", "True", "InForce"), ""),
    "a limit that is accepted": (a_limit(), inputs(), ("Accepted", "True", "Valid"), ""),
    "a limit that is invalid": (
        a_limit({**GOOD["RateLimit"], "burst": 0}),
        inputs(),
        ("Accepted", "False", "Invalid"),
        "spec.burst: must be at least 1 (was 0)",
    ),
    "a limit that is invalid is not ready": (
        a_limit({**GOOD["RateLimit"], "burst": 0}),
        inputs(),
        ("Ready", "False", "Invalid"),
        "spec.burst: must be at least 1 (was 0)",
    ),
    "a limit within another": (inside("app"), inputs("app"), ("Ready", "True", "InForce"), ""),
    "a limit within an unknown one": (
        inside("app"),
        inputs(),
        ("Ready", "False", NOT_FOUND),
        f"no such RateLimit: app: apply it, or remove spec.within of shop{WAIT}",
    ),
    "a limit within a refused one": (
        inside("app"),
        inputs(refused={"app": FAULT}),
        ("Ready", "False", REFUSED),
        f"RateLimit app is refused: {FAULT}{WAIT}",
    ),
    "a limit within a deleted one": (
        inside("app"),
        inputs(known={"app": None}),
        ("Ready", "True", GONE),
        f"RateLimit app {DELETED} remove spec.within of shop",
    ),
    "a type without limits": (a_type(), inputs(), ("ResolvedRefs", "True", "Resolved"), ""),
    "a type of known limits": (
        a_type("app", "in-shop"),
        inputs("app", known={"in-shop": "app"}),
        ("ResolvedRefs", "True", "Resolved"),
        "",
    ),
    "a type of an unknown limit": (
        a_type("app", "gone"),
        inputs("app"),
        ("ResolvedRefs", "False", NOT_FOUND),
        f"no such RateLimit: gone: apply it, or remove it from spec.limits{NO_JOB}",
    ),
    "jobs of an unknown limit are emitted": (a_type("gone"), inputs(), ("Ready", "True", "Scheduled"), ""),
    "a type of a limit within an unknown one": (
        a_type("in-shop"),
        inputs(known={"in-shop": "app"}),
        ("ResolvedRefs", "False", NOT_FOUND),
        f"no such RateLimit: app: apply it, or remove spec.within of in-shop{NO_JOB}",
    ),
    "a type of a refused limit": (
        a_type("shop"),
        inputs(refused={"shop": FAULT}),
        ("ResolvedRefs", "False", REFUSED),
        f"RateLimit shop is refused: {FAULT}{NO_JOB}",
    ),
    "a type of a refused limit that is still in force": (
        a_type("shop"),
        inputs(refused={"shop": KEPT}, known={"shop": None}),
        ("ResolvedRefs", "False", REFUSED),
        f"RateLimit shop is refused: {KEPT}",
    ),
    "a type of a deleted limit": (
        a_type("shop"),
        inputs("app", known={"shop": "app"}),
        ("ResolvedRefs", "False", GONE),
        f"RateLimit shop {DELETED} remove it from spec.limits",
    ),
    "a type of limits that are missing for several reasons": (
        a_type("gone", "never", "shop"),
        inputs(known={"shop": "app"}, refused={"never": FAULT}),
        ("ResolvedRefs", "False", NOT_FOUND),
        (
            "no such RateLimit: gone: apply it, or remove it from spec.limits; "
            "no such RateLimit: app: apply it, or remove spec.within of shop; "
            f"RateLimit never is refused: {FAULT}; RateLimit shop {DELETED} remove it from spec.limits{NO_JOB}"
        ),
    ),
    "deleted limits within each other": (
        a_type("app"),
        inputs(known={"app": "end", "end": "app"}),
        ("ResolvedRefs", "False", GONE),
        f"RateLimit app {DELETED} remove it from spec.limits; RateLimit end {DELETED} remove spec.within of app",
    ),
    "a user with values at a known limit": (
        a_user("app"),
        inputs("app"),
        ("ResolvedRefs", "True", "Resolved"),
        "",
    ),
    "a user with values at an unknown limit": (
        a_user("gone"),
        inputs("app"),
        ("ResolvedRefs", "False", NOT_FOUND),
        "no such RateLimit: gone: apply it, or remove it from spec.limits",
    ),
    "a user with values at a refused limit": (
        a_user("shop"),
        inputs(refused={"shop": FAULT}),
        ("ResolvedRefs", "False", REFUSED),
        f"RateLimit shop is refused: {FAULT}",
    ),
    "a user with values at an unknown limit and an unknown type": (
        a_user("gone", tasks=[{"type": "never"}]),
        inputs(),
        ("ResolvedRefs", "False", "TaskTypeNotFound"),
        (
            "no such task type: never; no such RateLimit: gone: apply it, or remove it from spec.limits; "
            "all other tasks run"
        ),
    ),
}


@pytest.mark.parametrize(("one", "given", "expected", "message"), CASES.values(), ids=CASES)
def test_a_condition_names_the_limit_and_the_remedy(
    one: Object, given: StatusInputs, expected: tuple[str, str, str], message: str
) -> None:
    status = status_of(one, given, NOW)
    found = {had["type"]: had for had in status["conditions"]}[expected[0]]
    assert (found["type"], found["status"], found["reason"], found["message"]) == (*expected, message)
    assert status["observedGeneration"] == found["observedGeneration"] == one.generation
    assert agrees(status, status_of(one, given, NOW))


@pytest.mark.parametrize("refused", [{}, dict.fromkeys(MANY, "x" * 2_000)], ids=["unknown", "refused"])
def test_a_message_about_many_limits_is_bounded(refused: Mapping[str, str]) -> None:
    for one in (a_user(*MANY), a_user(*MANY, tasks=[{"type": "never"}]), a_type(*MANY[:3])):
        messages = {
            had["type"]: had["message"] for had in status_of(one, inputs(refused=refused), NOW)["conditions"]
        }
        assert max(map(len, messages.values())) <= 1_024
    (text,) = [
        had["message"]
        for had in status_of(a_user(*MANY), inputs(), NOW)["conditions"]
        if had["message"][:2] == "no"
    ]
    assert text.endswith("2 more are missing")


def test_a_conflict_is_a_reason_of_its_own() -> None:
    table = ObjectTable()
    table.put("RateLimit", rate_limit("app", 1))
    table.put("UserSubscription", user("ada", 2))
    table.put("TaskType", task_type("sync", 3))
    table.put("RateLimit", rate_limit("end", 4))
    table.desired()
    rate = {"requests": 20, "per": "1s"}
    both = [{"name": "app"}, {"name": "end"}]
    table.put("UserSubscription", user("ada", 5, {"limits": [{"name": "app", "rate": rate}]}, generation=2))
    table.put("TaskType", task_type("sync", 6, {**GOOD["TaskType"], "limits": both}, generation=2))
    table.put("RateLimit", rate_limit("end", 7, {**GOOD["RateLimit"], "within": "end-2"}, generation=2))
    table.put("RateLimit", rate_limit("end-2", 8, {**GOOD["RateLimit"], "within": "end"}))
    table.desired()
    found = {
        obj.name: {
            had["type"]: (had["status"], had["reason"]) for had in status_of(obj, inputs(), NOW)["conditions"]
        }
        for obj in table.objects.values()
    }
    refused = {"Accepted": ("False", "Conflict"), "Ready": ("False", "Conflict")}
    assert found["sync"] == refused
    assert found["ada"] == refused | {"ResolvedRefs": ("False", "RateLimitNotPerUser")}
    assert found["end"] == refused
    assert found["app"]["Accepted"] == ("True", "Valid")
    (accepted, _, resolved) = status_of(table.objects["UserSubscription", "ada"], inputs(), NOW)["conditions"]
    assert accepted["message"] == resolved["message"]
    assert accepted["message"] == (
        'spec.limits: must be limits with key User (was "app, key Release") (the last accepted state stays in force)'
    )
