"""The API server takes the definitions, and refuses each bad object in a sentence that names the field."""

import json
from pathlib import Path
from typing import Any

import pytest

from taskqueue.models.manifest import parse
from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.dry_runs import DryRuns
from tests.support.manifests.case import Case, Object, rate_limit, subscription, task_type
from tests.support.manifests.cases import CASES

CRDS = Path(__file__).parents[2] / "crds"
SELECTABLE_FIELDS = 31  # the minor version from which on they are there without asking
EXAMPLES = Path(__file__).parents[2] / "examples"


def apply(cluster: Cluster, namespace: str, written: Object) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(written))


def test_the_definitions_are_taken_without_a_complaint(defined: Cluster) -> None:
    for definition in json.loads(defined.kubectl("get", "-f", str(CRDS), "-o", "json"))["items"]:
        held = {condition["type"]: condition["status"] for condition in definition["status"]["conditions"]}
        assert held == {"NamesAccepted": "True", "Established": "True"}


@pytest.mark.parametrize("case", [case for case in CASES if not case.before], ids=lambda case: case.name)
def test_a_bad_object_is_refused_and_its_good_twin_accepted(dry_runs: DryRuns, case: Case) -> None:
    bad, good = (dry_runs.judge(one["kind"], json.dumps(one).encode()) for one in (case.bad, case.good))
    assert not bad.taken
    assert case.says in bad.message
    assert good.taken, good.message


@pytest.mark.parametrize("case", [case for case in CASES if case.before], ids=lambda case: case.name)
def test_a_bad_change_is_refused_in_words_and_a_good_one_is_taken(
    defined: Cluster, namespace: str, case: Case
) -> None:
    assert case.before
    apply(defined, namespace, case.before)
    assert case.says in defined.refused("apply", "-n", namespace, "-f", "-", stdin=json.dumps(case.bad))
    apply(defined, namespace, case.good)


def test_every_example_is_taken(defined: Cluster) -> None:
    folders = ("-f", str(EXAMPLES / "shop"), "-f", str(EXAMPLES / "single-file"))
    taken = defined.kubectl("apply", "-n", "default", "--dry-run=server", *folders).splitlines()
    assert len(taken) > 300


def test_a_null_is_taken_for_an_absent_field(defined: Cluster, namespace: str) -> None:
    """A null applied by the client is removed before the server sees it; a null applied by the server is not."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("suspend", "window", "timeout", "retry", "params", "rateLimit", "limits")
    )
    nulls = task_type(
        **nothing, schedule={"interval": "5m", "cron": None, "timeZone": None, "intervals": None}
    )
    ada = subscription(userId=None, suspend=None, tasks=None, limits=None, timeZone=None)
    limit = rate_limit("app", burst=None, within=None)
    for written in (nulls, ada, limit):
        defined.kubectl("apply", "-n", namespace, "--server-side", "-f", "-", stdin=json.dumps(written))
    found = json.loads(defined.kubectl("get", "-n", namespace, "tt", "fetch-orders", "-o", "json"))
    assert parse(found) == parse(task_type())
    found = json.loads(defined.kubectl("get", "-n", namespace, "usub", "ada", "-o", "json"))
    assert parse(found) == parse(subscription())
    found = json.loads(defined.kubectl("get", "-n", namespace, "rl", "app", "-o", "json"))
    assert parse(found) == parse(rate_limit("app"))


def test_a_refused_url_or_header_is_not_repeated(defined: Cluster, namespace: str) -> None:
    secret = "hunter2"
    for request in (
        {"url": f"ftp://ada:{secret}@example.com/"},
        {"url": f"https://ada:{secret} @example.com/"},
        {"url": "https://example.com", "headers": {"Authorization": f"{secret}\n"}},
    ):
        written = json.dumps(task_type(handler={"http": request}))
        answer = defined.refused("apply", "-n", namespace, "-f", "-", stdin=written)
        assert "must be" in answer
        assert secret not in answer


def test_the_api_server_fills_in_defaults(defined: Cluster, namespace: str) -> None:
    apply(defined, namespace, task_type(handler={"http": {"url": "https://example.com"}}))
    found = defined.kubectl("get", "-n", namespace, "tt", "fetch-orders", "-o", "json")
    assert json.loads(found)["spec"] == {
        "schedule": {"interval": "5m"},
        "handler": {"http": {"url": "https://example.com", "method": "POST"}},
        "priority": "Normal",
        "cost": 1,
        "timeout": "30s",
        "retry": {"maxAttempts": 5, "minBackoff": "1s", "maxBackoff": "5m"},
        "concurrencyPolicy": "Allow",
        "catchUp": "Latest",
    }


def test_params_round_trip(defined: Cluster, namespace: str) -> None:
    params = {"region": "eu", "deep": {"a": [1, 0.5, True, None, {"b": "c"}]}}
    apply(defined, namespace, subscription(tasks=[{"type": "a", "params": params}]))
    found = json.loads(defined.kubectl("get", "-n", namespace, "usub", "ada", "-o", "json"))
    assert found["spec"] == {"tasks": [{"type": "a", "params": params}]}


def test_a_list_shows_schedule_and_status(defined: Cluster, namespace: str) -> None:
    apply(defined, namespace, task_type("by-interval"))
    apply(defined, namespace, task_type("by-cron", schedule={"cron": "0 2 * * *"}))
    condition = {"reason": "AsItShould", "message": "", "lastTransitionTime": "2026-01-31T02:00:00Z"}
    status = {
        "subscriptions": 7,
        "window": "1h",
        "next": "2026-01-31T02:00:00Z",
        "conditions": [{"type": "Ready", "status": "True"} | condition],
    }
    patch = json.dumps({"status": status})
    defined.kubectl(
        "patch", "-n", namespace, "tt/by-cron", "--subresource=status", "--type=merge", "-p", patch
    )
    table = defined.kubectl("get", "-n", namespace, "tt").splitlines()
    columns = "NAME SCHEDULE SUBSCRIPTIONS NEXT SUSPENDED REFS FEASIBLE HANDLER READY AGE"
    assert table[0].split() == columns.split()
    assert table[1].split()[:-1] == [
        *("by-cron", "0", "2", "*", "*", "*", "7", "2026-01-31T02:00:00Z", "True"),
    ]
    assert table[2].split()[:2] == ["by-interval", "5m"]
    wide = defined.kubectl("get", "-n", namespace, "tt", "-o", "wide").splitlines()
    assert wide[0].split() == [*columns.replace("SUBS", "WINDOW SUBS").split(), "REASON"]
    assert (wide[1].split()[6], wide[1].split()[-1]) == ("1h", "AsItShould")


def test_all_kinds_are_found_by_their_category(defined: Cluster, namespace: str) -> None:
    for one in (subscription("first"), task_type("second"), rate_limit("third")):
        apply(defined, namespace, one)
    assert len(defined.kubectl("get", "-n", namespace, "taskqueue", "-o", "name").split()) == 3


def test_a_list_of_limits_shows_their_values(defined: Cluster, namespace: str) -> None:
    apply(defined, namespace, rate_limit("app"))
    rate = {"requests": 2, "per": "1s"}
    apply(defined, namespace, rate_limit("shop", key="User", rate=rate, burst=40, within="app"))
    table = [line.split() for line in defined.kubectl("get", "-n", namespace, "rl").splitlines()]
    assert table[0] == ["NAME", "KEY", "REQUESTS", "PER", "BURST", "WITHIN", "ACCEPTED", "READY", "AGE"]
    assert table[1][:-1] == ["app", "Release", "100", "1s", "1", "Unknown", "Unknown"]
    assert table[2][:-1] == ["shop", "User", "2", "1s", "40", "app", "Unknown", "Unknown"]


def test_subscriptions_are_found_by_the_user(defined: Cluster, namespace: str) -> None:
    if defined.minor() < SELECTABLE_FIELDS:
        pytest.skip("Kubernetes before 1.31 has no selection of custom resources by their own fields")
    apply(defined, namespace, subscription("first", userId="ada", timeZone="Asia/Tokyo"))
    assert "Asia/Tokyo" in defined.kubectl("get", "-n", namespace, "usub", "first", "-o", "wide")
    apply(defined, namespace, subscription("second", userId="eve"))
    found = defined.kubectl("get", "-n", namespace, "usub", "--field-selector=spec.userId=eve", "-o", "name")
    assert found.split() == ["usersubscription.taskqueue.dev/second"]


def test_explain_reads_like_documentation(defined: Cluster) -> None:
    page = " ".join(defined.kubectl("explain", "tasktype.spec.schedule").split())
    assert "When the type recurs: exactly one of interval and cron." in page
    assert "timeZone <string> IANA time zone that cron is read in" in page
    page = " ".join(defined.kubectl("explain", "rl.spec").split())
    assert "Release: all jobs of the release share the limit." in page
