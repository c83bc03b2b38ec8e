"""`plan check` with limits by name: a line for each, those that are exceeded first."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.main import app

VERSION = "taskqueue.dev/v1alpha1"


def rate_limit(name: str, key: str, requests: int, per: str, **spec: Any) -> dict[str, Any]:
    spec |= {"key": key, "rate": {"requests": requests, "per": per}}
    return {"apiVersion": VERSION, "kind": "RateLimit", "metadata": {"name": name}, "spec": spec}


def task_type(name: str, *limits: str) -> dict[str, Any]:
    spec = {
        "schedule": {"interval": "10s"},
        "handler": {"function": "sync"},
        "limits": [{"name": limit} for limit in limits],
    }
    return {"apiVersion": VERSION, "kind": "TaskType", "metadata": {"name": name}, "spec": spec}


def user(name: str, *types: str, **spec: Any) -> dict[str, Any]:
    spec["tasks"] = [{"type": one} for one in types]
    return {"apiVersion": VERSION, "kind": "UserSubscription", "metadata": {"name": name}, "spec": spec}


TEN = [f"t{number}" for number in range(10)]
SHOPS = [
    rate_limit("shop", "User", 12, "1m", within="app"),
    rate_limit("app", "Release", 100, "1s"),
    *(task_type(name, "shop") for name in TEN),
    user("ada", *TEN),
    user("bob", "t0"),
    user("eve", *TEN, limits=[{"name": "shop", "rate": {"requests": 2, "per": "1s"}}]),
    user("off", *TEN, suspend=True),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, *SHOPS)
    return tmp_path


def write(folder: Path, *documents: dict[str, Any]) -> None:
    (folder / "shops.ndjson").write_text("\n".join(json.dumps(document) for document in documents))


def checked(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["plan", "check", str(folder), "--rate", "150", *options])


def test_a_limit_that_a_user_exceeds_is_named_with_its_change(folder: Path) -> None:
    done = checked(folder)
    assert done.exit_code == ExitCode.DOES_NOT_FIT
    details, lines = done.stdout.split("\n\n")
    assert "verdict        DoesNotFit" in details
    assert "change         raise shop to 68 per 1m" in details
    head, first, last = lines.splitlines()
    assert head.split() == ["limit", "ratePerSecond", "use", "verdict", "users", "change"]
    assert first.split("  ")[0] == "shop"
    assert "1 of 3 over, ada needs 1.122/s of 0.2/s" in first
    assert last == "2 more, all of them below 80%: --json lists them"


def test_json_lists_every_limit(folder: Path) -> None:
    done = checked(folder, "--json")
    answer = json.loads(done.stdout)
    assert (answer["verdict"], answer["limit"]) == ("DoesNotFit", "shop")
    assert answer["late"] == TEN
    assert [(one["limit"], one["key"], one["verdict"]) for one in answer["limits"]] == [
        ("shop", "User", "DoesNotFit"),
        ("app", "Release", "Fits"),
        ("global", "Release", "Fits"),
    ]
    shop, app_limit, _ = answer["limits"]
    assert shop["users"] | {"neededPerSecond": 0} == {
        "users": 3,
        "over": 1,
        "worst": "ada",
        "neededPerSecond": 0,
        "ratePerSecond": 0.2,
    }
    assert app_limit["tightest"]["demand"] == pytest.approx(2.1 * 1.1 * 86_400)
    assert answer["change"] == shop["change"]


def test_the_plan_fits_after_the_change(folder: Path) -> None:
    write(folder, rate_limit("shop", "User", 68, "1m", within="app"), *SHOPS[1:])
    done = checked(folder, "--json")
    assert (done.exit_code, json.loads(done.stdout)["change"]) == (ExitCode.OK, "")


def test_an_unknown_limit_is_named(folder: Path) -> None:
    write(folder, *SHOPS, task_type("mail", "mailer"), user("zoe", "mail"))
    done = checked(folder)
    assert done.exit_code == ExitCode.DOES_NOT_FIT
    assert 'unknownLimits  {"mailer": ["mail"]}' in done.stdout
    assert "change         declare the RateLimit mailer" in done.stdout
