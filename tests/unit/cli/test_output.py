"""Output and error sentences of commands that need no store."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from taskqueue.cli import main
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.instant import read_instant_ms
from taskqueue.cli.main import app
from taskqueue.cli.output import Output
from taskqueue.cli.table import show_details, show_rows
from taskqueue.views.instant import iso
from tests.support.manifests.folder import every, task_type, user, write

SLOW = ("asyncio", "redis", "pydantic", "yaml", "rich", "plotext", "msgspec", "structlog", "aiohttp", "kopf")

GOOD = """\
apiVersion: taskqueue.dev/v1alpha1
kind: TaskType
metadata: {name: fetch-orders}
spec:
  schedule: {interval: 5m}
  handler: {function: fetch_orders}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: u-1}
spec:
  tasks: [{type: fetch-orders}, {type: nobody-declares-this}]
"""
BAD = GOOD.replace("interval: 5m", "interval: 5 minutes")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    return tmp_path


def test_the_command_starts_without_slow_imports() -> None:
    code = (
        "import sys; sys.argv = ['taskqueue', '--help']; from taskqueue.cli.main import app\n"
        "try: app()\n"
        f"finally: print([m for m in {SLOW} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    for name in ("validate", "apply", "get", "describe", "run", "limit", "dead", "users", "plan", "audit"):
        assert f"\n  {name} " in done.stdout


def test_validate_warns_of_undeclared_types(folder: Path) -> None:
    done = CliRunner().invoke(app, ["validate", str(folder)])
    assert done.exit_code == ExitCode.OK
    assert "nobody-declares-this" in done.stderr
    assert "unresolved  1" in done.stdout


def test_validate_warns_of_intervals_that_are_not_offered(folder: Path) -> None:
    sync = task_type("sync", "1h")
    sync["spec"]["schedule"]["intervals"] = ["1m", "90s"]
    write(folder / "more.yaml", sync, every("5m", user("u-2", "sync")), every("90s", user("u-3", "sync")))
    done = CliRunner().invoke(app, ["validate", str(folder)])
    assert done.exit_code == ExitCode.OK
    reason = (
        "interval must be 1h or 1m or 1m30s, which the task type sync offers "
        '(was "5m"), so the task runs every 1h'
    )
    assert f"warning: u-2: {reason}" in done.stderr
    assert "unresolved  1\nnotOffered  1" in done.stdout
    shown = json.loads(CliRunner().invoke(app, ["validate", str(folder), "-o", "json"]).stdout)
    assert shown["notOffered"] == [
        {"type": "sync", "interval": "5m", "user": "u-2", "users": 1, "reason": reason}
    ]


LIMIT = """apiVersion: taskqueue.dev/v1alpha1
kind: RateLimit
metadata: {name: shop-api}
spec:
  key: Release
  rate: {requests: 100, per: 1s}
"""


def test_validate_counts_limits_and_warns_of_undeclared_ones(folder: Path) -> None:
    (folder / "limit.yaml").write_text(f"{LIMIT}  within: nobody-declares-it\n")
    done = CliRunner().invoke(app, ["validate", str(folder)])
    assert done.exit_code == ExitCode.OK
    assert "RateLimit shop-api: nothing declares the RateLimit nobody-declares-it" in done.stderr
    assert "limits      1" in done.stdout
    assert "unresolved  2" in done.stdout
    shown = json.loads(CliRunner().invoke(app, ["validate", str(folder), "-o", "json"]).stdout)
    assert shown["limits"] == 1
    assert shown["unresolvedLimits"] == [
        {"limit": "nobody-declares-it", "namedBy": "RateLimit shop-api", "count": 1, "refusal": None}
    ]


def test_validate_refuses_limits_that_do_not_fit(folder: Path) -> None:
    (folder / "good.yaml").write_text(
        GOOD.replace("spec:", "spec:\n  limits: [{name: shop-api}, {name: b}]", 1)
    )
    (folder / "limits.yaml").write_text(f"{LIMIT}---\n{LIMIT.replace('shop-api', 'b')}")
    done = CliRunner().invoke(app, ["validate", str(folder)])
    assert done.exit_code == ExitCode.FAULTS
    sentence = 'spec.limits: must be at most one limit with key Release (was "b, shop-api")'
    assert f"good.yaml:5 (document 1) {sentence}" in done.stdout


def test_validate_warns_of_uneven_steps_and_succeeds(folder: Path) -> None:
    (folder / "good.yaml").write_text(GOOD.replace("interval: 5m", 'cron: "0 */36 * * *"'))
    done = CliRunner().invoke(app, ["validate", str(folder)])
    assert done.exit_code == ExitCode.OK
    assert "warning: fetch-orders: " in done.stderr
    assert "write interval: 36h" in done.stderr
    shown = json.loads(CliRunner().invoke(app, ["validate", str(folder), "-o", "json"]).stdout)
    assert [one["type"] for one in shown["advice"]] == ["fetch-orders"]


def test_validate_refuses_a_window_longer_than_its_period(folder: Path) -> None:
    daily = GOOD.replace("{interval: 5m}", '{cron: "0 2 * * *"}\n  window: 48h')
    (folder / "good.yaml").write_text(daily)
    done = CliRunner().invoke(app, ["validate", str(folder)])
    assert done.exit_code == ExitCode.FAULTS
    assert "good.yaml:6 (document 1) spec.window: must be at most the shortest time" in done.stdout


def test_validate_names_place_field_and_remedy(folder: Path) -> None:
    (folder / "bad.yaml").write_text(BAD.replace("fetch-orders", "fetch-bad").replace("u-1", "u-2"))
    done = CliRunner().invoke(app, ["validate", str(folder), "-o", "json"])
    assert done.exit_code == ExitCode.FAULTS
    (fault,) = json.loads(done.stdout)["faults"]
    assert fault | {"message": ""} == {
        "file": str(folder / "bad.yaml"),
        "document": 1,
        "line": 5,
        "field": "spec.schedule.interval",
        "message": "",
    }
    assert "5m" in fault["message"]
    table = CliRunner().invoke(app, ["validate", str(folder)])
    assert f"{folder / 'bad.yaml'}:5 (document 1) spec.schedule.interval: must" in table.stdout


def test_a_plan_of_a_folder_has_the_starts_of_every_minute(folder: Path) -> None:
    done = CliRunner().invoke(app, ["plan", "show", str(folder), "--json", "--day", "2026-03-01"])
    assert done.exit_code == ExitCode.OK
    answer = json.loads(done.stdout)
    assert answer["dayStart"] == "2026-03-01T00:00:00.000Z"
    assert answer["starts"] == [pytest.approx(0.2, abs=1e-3)] * 1440
    assert [(one["type"], one["slotsPerDay"]) for one in answer["types"]] == [("fetch-orders", 288)]


def test_a_plan_is_also_a_picture(folder: Path) -> None:
    done = CliRunner().invoke(app, ["plan", "show", str(folder), "--day", "2026-03-01"])
    assert done.exit_code == ExitCode.OK
    assert "starts a minute on 2026-03-01" in done.stdout
    assert "12:00" in done.stdout


def test_a_plan_without_a_global_limit_says_none(folder: Path) -> None:
    done = CliRunner().invoke(app, ["plan", "check", str(folder), "--rate", "none", "-o", "json"])
    assert done.exit_code == ExitCode.OK
    answer = json.loads(done.stdout, parse_constant=pytest.fail)
    assert (answer["ratePerSecond"], answer["tightest"]) == ("none", None)
    assert "global" not in {one["limit"] for one in answer["limits"]}


@pytest.mark.parametrize(("rate", "code"), [("100", ExitCode.OK), ("0.001", ExitCode.DOES_NOT_FIT)])
def test_plan_check_answers_with_its_exit_code(folder: Path, rate: str, code: ExitCode) -> None:
    done = CliRunner().invoke(app, ["plan", "check", str(folder), "--rate", rate, "-o", "json"])
    assert done.exit_code == code
    answer = json.loads(done.stdout)
    assert (answer["verdict"] == "DoesNotFit") is (code is ExitCode.DOES_NOT_FIT)
    assert bool(answer["change"]) is (code is ExitCode.DOES_NOT_FIT)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["plan", "show"], "give either a folder of manifests or --store"),
        (["plan", "show", ".", "--store"], "either a folder of manifests or --store"),
        (["plan", "check", "FOLDER"], "--rate must be given"),
        (["plan", "check", "FOLDER", "--rate", "inf"], "--rate must be a number above zero"),
        (["dev", "FOLDER", "--rate", "0"], '--rate must be a rate above zero, from "1u" to "1M" a second'),
        (["plan", "show", "FOLDER", "--day", "9999-12-31"], "--day must be from 1970-01-02 to 2999-12-31"),
        (["plan", "show", "FOLDER", "--day", "monday"], '--day must be a date such as "2026-11-24" (was'),
        (["pause", "a-type", "--for", "soon"], "must be a duration"),
        (["cursor", "set", "2026-11-24T08:00:00"], "TIME must be a time such as"),
        (["dead", "retry"], "give either names of jobs or --all"),
        (["dead", "purge", "a|b|1|0|0", "--all"], "give either names of jobs or --all"),
        (["run", "a-type", "u 1"], "USER must be 1 to 128 printable ASCII"),
        (["run", "a-type", "u-1", "--params", "s3cret"], "--params must be a JSON object"),
        (["run", "a-type", "u-1", "--params", "[1]"], "--params must be a mapping"),
        (
            ["run", "a-type", "u-1", "--params", '{"a": ' * 1_200 + "1" + "}" * 1_200],
            "nested at most 32 levels deep",
        ),
        (["run", "a-type", "u-1", "--id", "a|b"], "--id must be 1 to 128"),
        (["users", "import", "FOLDER/good.yaml"], "FILE must end in .ndjson or .csv (was"),
        (
            ["audit", "--redis-url", "http://me:s3cret@host"],
            "--redis-url: The Redis URL cannot be used. It must begin with redis://",
        ),
    ],
)
def test_a_wrong_argument_is_answered_with_one_sentence(
    folder: Path, arguments: list[str], sentence: str
) -> None:
    given = [argument.replace("FOLDER", str(folder)) for argument in arguments]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == ExitCode.USAGE
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "s3cret" not in done.output


def test_an_unreachable_store_is_one_sentence_without_the_password() -> None:
    done = CliRunner().invoke(app, ["get", "types", "--redis-url", "redis://me:s3cret@127.0.0.1:1/0"])
    assert done.exit_code == ExitCode.UNREACHABLE
    assert "redis://***@127.0.0.1:1/0 does not answer" in done.stderr
    assert "--redis-url" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "s3cret" not in done.output


def test_an_empty_variable_is_no_address() -> None:
    done = CliRunner().invoke(app, ["get", "types"], env={"TASKQUEUE_REDIS_URL": ""})
    assert done.exit_code == ExitCode.USAGE
    assert "TASKQUEUE_REDIS_URL must be the URL of a Redis (was empty)" in done.stderr


def test_the_former_flag_is_refused_with_the_new_one() -> None:
    done = CliRunner().invoke(app, ["get", "types", "--redis", "redis://me:s3cret@host"])
    assert done.exit_code == ExitCode.USAGE
    assert "No such option: --redis" in done.stderr
    assert "--redis-url" in done.stderr
    assert "s3cret" not in done.output


def test_a_process_command_has_its_own_options_and_help() -> None:
    done = CliRunner().invoke(app, ["scheduler", "--help"])
    assert done.exit_code == ExitCode.OK
    assert "--manifests" in done.stdout


def test_instants_round_trip() -> None:
    assert read_instant_ms(iso(1_764_000_000_250)) == 1_764_000_000_250
    assert read_instant_ms("2025-11-24T17:00:00.250+01:00") == 1_764_000_000_250


def test_tables_show_values_and_json_keeps_types(
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = {
        "job": "[red]|x",
        "many": ["a", "b"],
        "none": None,
        "yes": True,
        "deep": {"a": [1]},
        "flat": {"n": 0},
    }
    show_rows(Output.TABLE, list(row), [row])
    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == list(row)
    assert line.split() == ["[red]|x", "a,", "b", "-", "yes", '{"a":', "[1]}", "n", "0"]
    show_details(Output.JSON, row)
    assert json.loads(capsys.readouterr().out) == row


def test_an_internal_fault_is_one_sentence_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_options: object) -> None:
        raise ValueError("redis://me:s3cret@host\nis odd")

    monkeypatch.setattr(main, "app", broken)
    with pytest.raises(SystemExit) as ended:
        main.run()
    assert ended.value.code == ExitCode.BUG
    said = capsys.readouterr().err
    assert said.startswith("taskqueue: a bug: ValueError: redis://***@host is odd; TASKQUEUE_TRACEBACK=1")
    monkeypatch.setenv(main.TRACEBACK_VARIABLE, "1")
    with pytest.raises(ValueError, match="is odd"):
        main.run()


def test_every_exit_code_is_documented() -> None:
    table = (Path(__file__).parents[3] / "docs" / "cli.md").read_text().partition("## Exit codes")[2]
    documented = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    assert documented == ["code", *(str(code.value) for code in ExitCode)]
