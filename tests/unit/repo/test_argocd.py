"""Argo CD's health check, on statuses of the operator and on other possible statuses."""

from typing import Any

import pytest

from tests.support.kubernetes.status_readers import argo_cd

READY = {"type": "Ready", "status": "True", "reason": "Scheduled", "message": ""}


def seen(*conditions: dict[str, str], kind: str = "TaskType", observed: int = 2) -> tuple[str, str]:
    status = {"observedGeneration": observed, "conditions": list(conditions)}
    metadata = {"name": "sync", "generation": 2}
    return argo_cd(
        {"apiVersion": "taskqueue.dev/v1alpha1", "kind": kind, "metadata": metadata, "status": status}
    )


def condition(name: str, status: str, reason: str = "Because", message: str = "so it is") -> dict[str, str]:
    return {"type": name, "status": status, "reason": reason, "message": message}


@pytest.mark.parametrize("status", [None, {}, {"observedGeneration": 1}, {"observedGeneration": 1, "x": 1}])
def test_an_unobserved_object_is_not_healthy(status: dict[str, Any] | None) -> None:
    one = {"apiVersion": "taskqueue.dev/v1alpha1", "kind": "TaskType", "metadata": {"generation": 1}}
    if status is not None:
        one["status"] = status
    assert argo_cd(one) == ("Progressing", "waiting for the operator")


def test_findings_older_than_the_last_edit_do_not_count() -> None:
    assert seen(READY, observed=1) == ("Progressing", "waiting for the operator")
    assert seen(condition("Accepted", "False"), observed=1)[0] == "Progressing"
    assert seen(READY) == ("Healthy", "")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("TaskType", "Accepted"),
        ("TaskType", "Feasible"),
        ("TaskType", "HandlerRegistered"),
        ("TaskType", "ResolvedRefs"),
        ("RateLimit", "Accepted"),
        ("UserSubscription", "Accepted"),
        ("UserSubscription", "ResolvedRefs"),
    ],
)
def test_a_fault_for_a_person_is_degraded_with_its_reason(kind: str, name: str) -> None:
    said = seen(condition(name, "False", "TooMuch", "ask for less"), READY, kind=kind)
    assert said == ("Degraded", "TooMuch: ask for less")


def test_the_gravest_is_said() -> None:
    said = seen(
        condition("Feasible", "False"), condition("HandlerRegistered", "False", "NotRegistered"), READY
    )
    assert said == ("Degraded", "NotRegistered: so it is")


def test_no_worker_yet_is_healthy() -> None:
    assert seen(condition("HandlerRegistered", "Unknown"), READY)[0] == "Healthy"


def test_a_suspended_object_is_suspended_despite_faults() -> None:
    for reason in ("Suspended", "Paused"):
        held = condition("Ready", "True", reason, "nothing starts")
        assert seen(condition("Feasible", "False"), held) == ("Suspended", "nothing starts")


def test_foreign_conditions_do_not_matter() -> None:
    assert seen(condition("Abandoned", "False"), READY)[0] == "Healthy"


def test_unknown_is_waited_for() -> None:
    assert seen(condition("Ready", "Unknown", "Pending", "wait")) == ("Progressing", "wait")
