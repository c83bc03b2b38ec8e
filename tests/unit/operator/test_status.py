"""Content of a status: each condition with each of its reasons, and the case of nothing to write."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskqueue.models.values import Schedule, TaskType, UserSubscription
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import Object, read
from taskqueue_operator.status import agrees, status_of
from taskqueue_operator.status_inputs import StatusInputs
from taskqueue_operator.stopped import Stopped, StoppedUser, SuspendedTask
from tests.support.kubernetes.raw_objects import task_type, user

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
HTTP = {"schedule": {"interval": "5m"}, "handler": {"http": {"url": "https://api.example/orders"}}}
UNEVEN = HTTP | {"schedule": {"cron": "*/45 * * * *"}}
TOO_WIDE = HTTP | {"schedule": {"cron": "0 2 * * *"}, "window": "48h"}
SUSPENDED_TYPE = {"schedule": {"interval": "5m"}, "handler": {"function": "f"}, "suspend": True}
BAD = {"tasks": [{"type": "A"}]}
INVALID = {"Accepted": ("False", "Invalid"), "Ready": ("False", "Invalid")}
FITS = {
    "Accepted": ("True", "Valid"),
    "ResolvedRefs": ("True", "Resolved"),
    "Feasible": ("True", "Fits"),
}
REGISTERED = {"HandlerRegistered": ("True", "Registered")}
SCHEDULED = {"Ready": ("True", "Scheduled")}
NO_TASKS = {"Ready": ("True", "NoTasks")}
SUSPENDED = {"Ready": ("True", "Suspended")}
VALID = {"Accepted": ("True", "Valid")}
RESOLVED = {"ResolvedRefs": ("True", "Resolved")}
NOT_FOUND = {"ResolvedRefs": ("False", "TaskTypeNotFound")}
NOT_OFFERED = {"ResolvedRefs": ("False", "IntervalNotOffered")}
REFUSED_TYPE = {"ResolvedRefs": ("False", "TaskTypeRefused")}


def a_type(spec: Mapping[str, Any] | None = None, **more: Any) -> Object:
    return read("TaskType", task_type("orders", 7, spec, **more))


def a_user(spec: Mapping[str, Any] | None = None, **more: Any) -> Object:
    return read("UserSubscription", user("ada", 7, spec, **more))


def known(*names: str) -> dict[str, TaskType]:
    found = a_type().value
    assert isinstance(found, TaskType)
    return {name: replace(found, name=name) for name in names}


def inputs(**other: Any) -> StatusInputs:
    usual: dict[str, Any] = {
        "types": known("orders"),
        "duplicates": {},
        "imported": frozenset(),
        "handlers": frozenset({"f"}),
        "paused": frozenset(),
        "limited": True,
        "infeasible": "",
        "subscriptions": {},
        "minute": 0,
    }
    return StatusInputs(**usual | other)


def wants(*types: str, **more: Any) -> dict[str, Any]:
    return {"tasks": [{"type": name} for name in types], **more}


def stopped(*tasks: SuspendedTask, paused_until_ms: int | None = None, user_id: str = "ada") -> Stopped:
    return Stopped({user_id: StoppedUser(tasks, paused_until_ms)})


SINCE_MS = 1_767_323_045_000
REVOKED = SuspendedTask("orders", SINCE_MS, "401 Unauthorized")
BROKEN = {"SuspendedByBreaker": ("True", "FailedForGood")}
PAUSED = {"Ready": ("True", "Paused")}
OWNER = read("UserSubscription", user("owner", 1, {"userId": "ada"}))
MANY = [f"t{number:02}" for number in range(12)]

Case = tuple[Object, StatusInputs, dict[str, tuple[str, str]], dict[str, str]]
CASES: dict[str, Case] = {
    "a type that runs": (a_type(), inputs(), FITS | REGISTERED | SCHEDULED, {}),
    "a type that is suspended": (a_type(SUSPENDED_TYPE), inputs(), FITS | REGISTERED | SUSPENDED, {}),
    "a type whose steps are uneven": (
        a_type(UNEVEN),
        inputs(),
        FITS | {"HandlerRegistered": ("True", "NeedsNone")} | SCHEDULED,
        {"Accepted": "write interval: 45m"},
    ),
    "a type whose window outgrows its periods": (
        a_type(TOO_WIDE),
        inputs(),
        INVALID,
        {"Accepted": "spec.window: must be at most the shortest time between two runs of cron, 23h"},
    ),
    "a type that is paused by hand": (
        a_type(),
        inputs(paused=frozenset({"orders"})),
        FITS | REGISTERED | {"Ready": ("True", "Paused")},
        {"Ready": "taskqueue resume"},
    ),
    "a suspended type that is paused as well": (
        a_type(SUSPENDED_TYPE),
        inputs(paused=frozenset({"orders"})),
        FITS | REGISTERED | SUSPENDED,
        {},
    ),
    "a pause of a type concerns no user of its name": (
        a_user(wants("orders")),
        inputs(paused=frozenset({"ada"})),
        VALID | RESOLVED | SCHEDULED,
        {},
    ),
    "a type that is refused": (
        a_type({}),
        inputs(),
        INVALID,
        {"Accepted": "spec.schedule", "Ready": "spec.schedule"},
    ),
    "a plan that does not fit": (
        a_type(),
        inputs(infeasible="9 starts are due"),
        FITS | REGISTERED | SCHEDULED | {"Feasible": ("False", "DoesNotFit")},
        {"Feasible": "9 starts are due"},
    ),
    "no limit": (
        a_type(),
        inputs(limited=False),
        FITS | REGISTERED | SCHEDULED | {"Feasible": ("Unknown", "NoLimit")},
        {"Feasible": "nothing starts"},
    ),
    "an HTTP call": (
        a_type(HTTP),
        inputs(handlers=None),
        FITS | SCHEDULED | {"HandlerRegistered": ("True", "NeedsNone")},
        {},
    ),
    "no worker yet": (
        a_type(),
        inputs(handlers=None),
        FITS | SCHEDULED | {"HandlerRegistered": ("Unknown", "NoWorkerSeen")},
        {"HandlerRegistered": "no worker has started yet"},
    ),
    "workers without this handler": (
        a_type(),
        inputs(handlers=frozenset({"g"})),
        FITS | SCHEDULED | {"HandlerRegistered": ("False", "NotRegistered")},
        {"HandlerRegistered": '"f"'},
    ),
    "workers without any handler": (
        a_type(),
        inputs(handlers=frozenset()),
        FITS | SCHEDULED | {"HandlerRegistered": ("False", "NotRegistered")},
        {},
    ),
    "a duplicate of the type's name is not its own": (
        a_type(),
        inputs(duplicates={"orders": OWNER}),
        FITS | REGISTERED | SCHEDULED,
        {},
    ),
    "a user whose tasks run": (a_user(wants("orders")), inputs(), VALID | RESOLVED | SCHEDULED, {}),
    "a user without tasks": (
        a_user(),
        inputs(),
        VALID | RESOLVED | NO_TASKS,
        {"Ready": "the list of tasks is empty, so nothing starts"},
    ),
    "a user whose tasks are all suspended": (
        a_user({"tasks": [{"type": "orders", "suspend": True}]}),
        inputs(),
        VALID | RESOLVED | SUSPENDED,
        {"Ready": "all of its tasks"},
    ),
    "a user who is suspended": (a_user({"suspend": True}), inputs(), VALID | RESOLVED | SUSPENDED, {}),
    "a user who is refused": (a_user(BAD), inputs(), INVALID, {"Accepted": "spec.tasks[0].type"}),
    "a refused duplicate is refused first": (a_user(BAD), inputs(duplicates={"ada": OWNER}), INVALID, {}),
    "a task type that is missing": (
        a_user(wants("orders", "b", "a")),
        inputs(),
        VALID | NOT_FOUND | SCHEDULED,
        {"ResolvedRefs": "no such task type: a, b; all other tasks run"},
    ),
    "at most ten are named": (
        a_user(wants(*MANY)),
        inputs(),
        VALID | NOT_FOUND | SCHEDULED,
        {"ResolvedRefs": f"no such task type: {', '.join(MANY[:10])} and 2 more; all other tasks run"},
    ),
    "a task type that is refused": (
        a_user(wants("orders", "t-14")),
        inputs(refused_types={"t-14": "spec.window: must be at most the interval, 5m"}),
        VALID | REFUSED_TYPE | SCHEDULED,
        {
            "ResolvedRefs": "task type t-14 is refused: spec.window: must be at most the interval, 5m; "
            "all other tasks run"
        },
    ),
    "a task type that is refused and one that is missing": (
        a_user(wants("a", "t-14")),
        inputs(refused_types={"t-14": "spec.window: must be at most the interval, 5m", "t-15": "not named"}),
        VALID | NOT_FOUND | SCHEDULED,
        {
            "ResolvedRefs": "no such task type: a; task type t-14 is refused: spec.window: must be at most the "
        },
    ),
    "a refused type whose former state is in force": (
        a_user(wants("orders")),
        inputs(refused_types={"orders": "spec.window: must be at most the interval, 5m"}),
        VALID | RESOLVED | SCHEDULED,
        {},
    ),
    "a task that overrides a locked param": (
        a_user({"tasks": [{"type": "orders", "params": {"url": 1, "region": "us"}}, {"type": "b"}]}),
        inputs(types=known("b") | {"orders": replace(known("orders")["orders"], locked_params=("region",))}),
        VALID | {"ResolvedRefs": ("False", "ParamsLocked")} | SCHEDULED,
        {"ResolvedRefs": "task orders: remove region: the task type orders locks it; all other tasks run"},
    ),
    "many tasks that override locked params": (
        a_user({"tasks": [{"type": name, "params": {"region": "us"}} for name in MANY]}),
        inputs(types={name: replace(one, locked_params=("region",)) for name, one in known(*MANY).items()}),
        VALID | {"ResolvedRefs": ("False", "ParamsLocked")} | SCHEDULED,
        {"ResolvedRefs": "; 2 more tasks override locked params; all other tasks run"},
    ),
    "an interval that the type does not offer": (
        a_user({"tasks": [{"type": "orders", "interval": "1m"}, {"type": "b", "interval": "300s"}]}),
        inputs(types=known("b", "orders")),
        VALID | NOT_OFFERED | SCHEDULED,
        {
            "ResolvedRefs": "interval must be 5m, which the task type orders offers "
            '(was "1m"), so the task runs every 5m'
        },
    ),
    "an interval for a type with cron": (
        a_user({"tasks": [{"type": "orders", "interval": "1m"}]}),
        inputs(types={"orders": replace(known("orders")["orders"], schedule=Schedule(cron="0 2 * * *"))}),
        VALID | NOT_OFFERED | SCHEDULED,
        {
            "ResolvedRefs": 'remove interval: the task type orders runs by cron (was "1m")',
        },
    ),
    "many intervals that are not offered": (
        a_user({"tasks": [{"type": name, "interval": "1m"} for name in MANY]}),
        inputs(types=known(*MANY)),
        VALID | NOT_OFFERED | SCHEDULED,
        {"ResolvedRefs": "12 tasks name intervals that their types do not offer; interval must be 5m, "},
    ),
    "an interval that is not offered and a type that is missing": (
        a_user({"tasks": [{"type": "a"}, {"type": "orders", "interval": "1m"}]}),
        inputs(),
        VALID | NOT_FOUND | SCHEDULED,
        {"ResolvedRefs": "no such task type: a; interval must be 5m, "},
    ),
    "many refused types": (
        a_user(wants(*MANY)),
        inputs(refused_types=dict.fromkeys(MANY, "spec.window: " + "x" * 2_000)),
        VALID | REFUSED_TYPE | SCHEDULED,
        {"ResolvedRefs": "...; 2 more task types are refused; all other tasks run"},
    ),
    "a user whom another object has": (
        a_user(),
        inputs(duplicates={"ada": OWNER}),
        {"Accepted": ("False", "DuplicateUser"), "Ready": ("False", "DuplicateUser")},
        {"Accepted": 'user "ada" is declared by the UserSubscription "owner", which keeps it'},
    ),
    "a user who was imported": (
        a_user(),
        inputs(imported=frozenset({"ada"})),
        {"Accepted": ("False", "ManagedElsewhere"), "Ready": ("False", "ManagedElsewhere")},
        {"Ready": 'user "ada" comes from an import'},
    ),
    "a user of whom the circuit breaker suspended a task": (
        a_user(wants("orders")),
        inputs(stopped=stopped(REVOKED)),
        VALID | RESOLVED | SCHEDULED | BROKEN,
        {
            "SuspendedByBreaker": "nothing of orders since 2026-01-02T03:04:05Z (401 Unauthorized) starts: "
            "`taskqueue resume orders --user ada` lets the next job through"
        },
    ),
    "many suspended tasks with long reasons": (
        a_user(wants(*MANY)),
        inputs(stopped=stopped(*(SuspendedTask(name, SINCE_MS, "x\n" * 100) for name in MANY))),
        VALID | NOT_FOUND | SCHEDULED | BROKEN,
        {
            "SuspendedByBreaker": "...) and 2 more starts: `taskqueue resume TYPE --user ada` lets the next job"
        },
    ),
    "a suspension that cannot be read": (
        a_user(wants("orders")),
        inputs(stopped=stopped(SuspendedTask("orders", 0, ""))),
        VALID | RESOLVED | SCHEDULED | BROKEN,
        {"SuspendedByBreaker": "nothing of orders starts: `"},
    ),
    "it is the user's id that the circuit breaker knows, and not the object's name": (
        a_user(wants("orders", userId="auth0|1")),
        inputs(stopped=stopped(REVOKED, user_id="auth0|1")),
        VALID | RESOLVED | SCHEDULED | BROKEN,
        {"SuspendedByBreaker": "`taskqueue resume orders --user 'auth0|1'`"},
    ),
    "a user who is paused by hand": (
        a_user(wants("orders")),
        inputs(stopped=stopped(paused_until_ms=0)),
        VALID | RESOLVED | PAUSED,
        {"Ready": "nothing starts until `taskqueue resume --user ada`"},
    ),
    "a user who is paused for a time": (
        a_user(wants("orders")),
        inputs(stopped=stopped(paused_until_ms=SINCE_MS)),
        VALID | RESOLVED | PAUSED,
        {"Ready": "nothing starts until 2026-01-02T03:04:05Z, or until `taskqueue resume --user ada`"},
    ),
    "a suspended user who is paused as well": (
        a_user({"suspend": True}),
        inputs(stopped=stopped(paused_until_ms=0)),
        VALID | RESOLVED | SUSPENDED,
        {},
    ),
    "it is the user's id that was imported, and not the object's name": (
        a_user(wants("orders", userId="u-1")),
        inputs(imported=frozenset({"ada"})),
        VALID | RESOLVED | SCHEDULED,
        {},
    ),
}


@pytest.mark.parametrize(("one", "given", "expected", "says"), CASES.values(), ids=CASES)
def test_each_condition_has_its_reason_and_says_why(
    one: Object, given: StatusInputs, expected: dict[str, tuple[str, str]], says: dict[str, str]
) -> None:
    conditions = {had["type"]: had for had in status_of(one, given, NOW)["conditions"]}
    assert {name: (had["status"], had["reason"]) for name, had in conditions.items()} == expected
    for name, text in says.items():
        assert text in conditions[name]["message"]
    assert max(len(had["message"]) for had in conditions.values()) <= 1_024


@pytest.mark.parametrize(("one", "given"), [case[:2] for case in CASES.values()], ids=CASES)
def test_a_written_status_compares_equal_at_any_time(one: Object, given: StatusInputs) -> None:
    wanted = status_of(one, given, NOW)
    assert not agrees({}, wanted)
    written = replace(one, status=wanted, version="8")
    again = status_of(written, given, NOW + timedelta(days=1))
    assert again == wanted
    assert agrees(written.status, again)


def test_every_condition_has_its_generation() -> None:
    status = status_of(a_user(generation=3), inputs(), NOW)
    assert status["observedGeneration"] == 3
    assert {had["observedGeneration"] for had in status["conditions"]} == {3}
    assert not agrees(status, status_of(a_user(generation=4), inputs(), NOW))


def test_a_transition_is_dated_by_status_and_not_by_reason() -> None:
    first = status_of(a_user(), inputs(), NOW)
    assert {had["lastTransitionTime"] for had in first["conditions"]} == {"2026-01-02T03:04:05Z"}
    edited = a_user(wants("gone", suspend=True), generation=2, status=first)
    second = {had["type"]: had for had in status_of(edited, inputs(), NOW + timedelta(hours=1))["conditions"]}
    assert second["Ready"]["reason"] == "Suspended"
    assert {name: had["lastTransitionTime"][11:] for name, had in second.items()} == {
        "Accepted": "03:04:05Z",
        "Ready": "03:04:05Z",
        "ResolvedRefs": "04:04:05Z",
    }


def test_a_transition_is_dated_in_utc() -> None:
    abroad = NOW.astimezone(datetime.strptime("+0530", "%z").tzinfo)
    assert status_of(a_user(), inputs(), abroad) == status_of(a_user(), inputs(), NOW)


def test_types_count_subscriptions_and_users_count_tasks() -> None:
    assert status_of(a_type(), inputs(subscriptions={"orders": 5}), NOW)["subscriptions"] == 5
    assert status_of(a_type(), inputs(), NOW)["subscriptions"] == 0
    status = status_of(a_user(wants("orders", "b", userId="u-1")), inputs(), NOW)
    assert (status["userId"], status["taskCount"]) == ("u-1", 2)
    assert "userId" not in status_of(a_user(BAD), inputs(), NOW)


def test_a_type_counts_the_subscriptions_that_the_breaker_suspended() -> None:
    some = status_of(a_type(), inputs(stopped=Stopped({}, {"orders": 3})), NOW)
    none = status_of(a_type(), inputs(), NOW)
    assert (some["suspendedByBreaker"], none["suspendedByBreaker"]) == (3, 0)
    assert not agrees(some, none)


def test_only_a_user_who_was_suspended_is_told_to_be_resumed() -> None:
    before = a_user(wants("orders"), status=status_of(a_user(wants("orders")), inputs(), NOW))
    assert "SuspendedByBreaker" not in str(before.status), (
        "not a condition more for a hundred thousand others"
    )
    broken = replace(before, status=status_of(before, inputs(stopped=stopped(REVOKED)), NOW))
    again = status_of(broken, inputs(), NOW + timedelta(hours=1))
    assert not agrees(broken.status, again)
    conditions = {had["type"]: had for had in again["conditions"]}
    found = conditions["SuspendedByBreaker"]
    assert (found["status"], found["reason"]) == ("False", "Resumed")
    assert found["lastTransitionTime"] == "2026-01-02T04:04:05Z"


def test_a_refused_edit_says_the_former_state_is_in_force() -> None:
    table = ObjectTable()
    table.put("UserSubscription", user("ada", 1, wants("orders")))
    table.put("UserSubscription", user("ada", 2, BAD, generation=2))
    one = table.objects["UserSubscription", "ada"]
    assert isinstance(one.value, UserSubscription)
    status = status_of(one, inputs(), NOW)
    assert status["taskCount"] == 1
    assert [(had["type"], had["reason"]) for had in status["conditions"]] == [
        ("Accepted", "Invalid"),
        ("Ready", "Invalid"),
    ]
    assert status["conditions"][0]["message"].endswith("(the last accepted state stays in force)")


def test_a_message_is_bounded_however_much_is_wrong() -> None:
    one = a_user({"tasks": [{"type": f"A{number}"} for number in range(500)]})
    assert len(one.refusal) > 10_000
    messages = [had["message"] for had in status_of(one, inputs(), NOW)["conditions"]]
    assert [len(message) for message in messages] == [1024, 1024]
    assert messages[0].endswith("...")


def test_foreign_status_fields_are_kept() -> None:
    wanted = status_of(a_user(), inputs(), NOW)
    theirs = {"type": "Billed", "status": "True"}
    had = wanted | {"conditions": [theirs, *reversed(wanted["conditions"])], "theirs": 1}
    assert agrees(had, wanted)
    assert not agrees(had | {"conditions": [theirs, *wanted["conditions"][1:]]}, wanted)
    assert not agrees(had | {"taskCount": 1}, wanted)


@pytest.mark.parametrize(
    ("spec", "window", "following"),
    [
        ({"schedule": {"interval": "5m"}}, "5m", None),
        ({"schedule": {"interval": "6h"}, "window": "90m"}, "1h30m", "2026-01-31T18:00:00Z"),
        ({"schedule": {"cron": "0 2 * * *", "timeZone": "Europe/Berlin"}}, "1h", "2026-02-01T01:00:00Z"),
        ({"schedule": {"cron": "*/15 * * * *"}}, "15m", None),
        ({"schedule": {"interval": "6h"}, "suspend": True}, "6h", None),
    ],
    ids=["often", "rarely", "by a calendar", "often by a calendar", "suspended"],
)
def test_a_type_shows_its_window_and_a_stable_next_run(
    spec: dict[str, Any], window: str, following: str | None
) -> None:
    now = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
    raw = {"metadata": {"name": "t", "uid": "1", "generation": 1, "resourceVersion": "1"}}
    one = read("TaskType", raw | {"spec": {"handler": {"function": "f"}, **spec}})
    wanted = status_of(one, inputs(), now)
    assert (wanted["window"], wanted.get("next")) == (window, following)
    assert agrees(wanted, wanted)
    assert not agrees(wanted | {"next": "1970-01-01T00:00:00Z"}, wanted)
