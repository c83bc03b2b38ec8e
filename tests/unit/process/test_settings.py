"""Settings: the precedence of their sources, and the refusals of bad values."""

import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from taskqueue.process import settings
from taskqueue.process.settings import StoreSettings, load
from taskqueue.scheduler.settings import SchedulerSettings, TickingSettings
from taskqueue.text.log import configure
from taskqueue.text.redaction import HIDDEN, redact
from taskqueue_api.settings import ApiSettings
from taskqueue_operator.settings import OperatorSettings
from taskqueue_worker.settings import WorkerSettings

PROG = "taskqueue scheduler"


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "scheduler.yaml"
    path.write_text(text)
    return str(path)


def test_flags_win_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "rate: 1\nrelease: file\nmax_backlog: 7\nlook_ahead: 0.5\n")
    monkeypatch.setenv("TASKQUEUE_RELEASE", "environment")
    monkeypatch.setenv("TASKQUEUE_RATE", "2")
    settings = load(SchedulerSettings, ["--config", file, "--rate", "3"], PROG)
    assert (settings.rate, settings.release, settings.max_backlog) == (3, "environment", 7)
    assert settings.look_ahead == 0.5
    assert settings.tick_period == 0.25  # the default


@pytest.mark.parametrize("settings_class", [SchedulerSettings, OperatorSettings])
@pytest.mark.parametrize("source", ["flag", "environment", "file"])
def test_a_rate_of_none_is_infinite(
    settings_class: type[TickingSettings], source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "environment":
        monkeypatch.setenv("TASKQUEUE_RATE", "none")
    arguments = {"flag": ["--rate", "none"], "file": ["--config", write(tmp_path, "rate: none\n")]}
    assert load(settings_class, arguments.get(source, []), PROG).rate == math.inf


@pytest.mark.parametrize("written", ["null", "~", ""])
def test_a_rate_of_null_keeps_the_stored_limit(written: str, tmp_path: Path) -> None:
    assert load(SchedulerSettings, ["--config", write(tmp_path, f"rate: {written}\n")], PROG).rate is None


@pytest.mark.parametrize("written", ["inf", "Infinity", "nan", "NONE", "0", "-1", "1e7"])
def test_another_word_for_no_limit_is_refused(written: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load(SchedulerSettings, ["--rate", written], PROG)
    assert "--rate must be" in capsys.readouterr().err


def test_the_environment_may_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKQUEUE_CONFIG", write(tmp_path, "release: here\n"))
    assert load(SchedulerSettings, [], PROG).release == "here"


@pytest.mark.parametrize("settings_class", [StoreSettings, SchedulerSettings])
def test_help_describes_every_setting(
    settings_class: type[StoreSettings], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        load(settings_class, ["--help"], PROG)
    assert ended.value.code in {0, None}
    shown = " ".join(capsys.readouterr().out.split())
    for name, field in settings_class.model_fields.items():
        assert f"--{name.replace('_', '-')} " in shown
        assert field.description
        assert field.description.endswith(".") or ":" in field.description
        assert " ".join(field.description.split())[:20] in shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("relase: x\n", ["'relase'", "'release'"]),
        ("redisUrl: redis://h\n", ["'redisUrl'", "'redis_url'"]),
        ("release: a b\n", ["release must", "pattern", "(was a b)"]),
        ("log_format: xml\n", ["log_format", "must be json or console"]),
        ("rate: -1\n", ["rate", "at least 0.000001"]),
        ("rate: 5e-324\n", ["rate", "at least 0.000001"]),
        ("rate: 1e7\n", ["rate", "at most 1000000 "]),
        ("rate: many\n", ["rate must be a number (was many)"]),
        ("redis_url: ftp://u:geheim@h\n", ["redis_url", "redis+sentinel://"]),
        ("- a\n", ["a mapping"]),
        ("a: [\n", ["must be YAML", ":2"]),
    ],
)
def test_a_fault_in_the_file_names_file_and_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: list[str]
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(SystemExit) as ended:
        load(SchedulerSettings, ["--config", file], PROG)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert file in said
    assert [word for word in words if word not in said] == []
    assert "geheim" not in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--bogus", "1"], ["--bogus"]),
        (["--rat", "1"], ["--rat"]),
        (["--rate", "x"], ["--rate must be a number (was x)"]),
        (["--health-port", "99999"], ["--health-port", "65535"]),
        (["--config", "/nowhere/at.yaml"], ["/nowhere/at.yaml", "readable"]),
        (["--redis-ulr", "redis://u:geheim@h"], ["--redis-ulr"]),
    ],
)
def test_a_bad_flag_is_named(capsys: pytest.CaptureFixture[str], argv: list[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load(SchedulerSettings, argv, PROG)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert [word for word in words if word not in said] == []
    assert "geheim" not in said


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (os.mkfifo, "(was a FIFO)"),
        (_huge, "must be at most 16 MiB"),
        (
            lambda path: path.write_text("[" * 100_000),
            ":1: must be YAML: mappings and lists must be nested at most 32 levels deep",
        ),
        (lambda path: path.write_text("rate: 1\nrate: 2"), ":2: rate: must be given once"),
        (lambda path: path.write_text("rate: 1\n---\nrate: 2"), ":3: must be one document"),
        (lambda path: path.write_text("!!python/object/apply:os.system [x]"), "remove the tag"),
        (lambda path: path.write_bytes(b"\xff\xff"), "UTF-8"),
        (lambda path: path.write_text('"\\e[31m": 1'), "\\x1b[31m"),
        (lambda path: path.write_text("manifests: [a]"), "manifests must be a path (was ['a'])"),
        (lambda path: path.write_text("release: a b"), "release must be 1 to 63 letters, digits"),
    ],
)
def test_an_unreadable_config_is_named(
    make: Callable[[Path], object], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(path := tmp_path / "config.yaml")
    with pytest.raises(SystemExit) as ended:
        load(SchedulerSettings, ["--config", str(path)], PROG)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert str(path) in said
    assert says in said
    assert "\x1b" not in said


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TASKQUEUE_RATE", "0")
    with pytest.raises(SystemExit):
        load(SchedulerSettings, [], PROG)
    assert "TASKQUEUE_RATE must be at least 0.000001 (was 0)" in capsys.readouterr().err


def test_the_password_of_the_url_is_never_shown() -> None:
    settings = load(SchedulerSettings, ["--redis-url", "redis://u:geheim@h:1/2"], PROG)
    assert settings.redis_url.get_secret_value() == "redis://u:geheim@h:1/2"
    shown = f"{settings!r} {settings} {settings.redis_url} {settings.model_dump_json()}"
    assert "geheim" not in shown
    assert "redis://***@h:1/2" in shown


@pytest.mark.parametrize(
    "text",
    [
        "redis://u:geheim@h/0 and rediss://:geheim@h",
        "Authorization: Bearer geheim",
        "GET https://h/?a=1&api_token=geheim&b=2",
        "redis+sentinel://u:geheim@a:1,b:2/main",
    ],
)
def test_secrets_in_a_text_are_hidden(text: str) -> None:
    assert "geheim" not in redact(text)
    assert HIDDEN in redact(text)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_log_line_has_no_params_and_no_secrets(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    import logging

    import structlog

    configure("info", "json" if log_format == "json" else "console")
    log = structlog.get_logger()
    try:
        int("redis://u:geheim@h refused")
    except ValueError:
        log.exception("job failed", job="orders|u-1|1|2|3")
    log.info("x", params={"a": "geheim"}, token="geheim", nested={"password": "geheim"}, url="a://b:geheim@c")
    logging.getLogger("elsewhere").warning("redis://u:%s@h", "geheim")
    log.debug("not at this level")
    said = capsys.readouterr().err
    structlog.reset_defaults()
    assert "geheim" not in said
    assert "orders|u-1|1|2|3" in said
    assert "elsewhere" not in said or "redis://***@h" in said
    assert "not at this level" not in said
    if log_format == "json":
        lines = [json.loads(line) for line in said.splitlines()]
        assert [list(line)[:3] for line in lines] == [["ts", "level", "event"]] * 3


@pytest.mark.parametrize(
    ("settings_class", "name"),
    [
        (SchedulerSettings, "live_within"),
        (SchedulerSettings, "max_backlog"),
        (WorkerSettings, "grace"),
        (WorkerSettings, "live_within"),
        (OperatorSettings, "resync"),
    ],
)
@pytest.mark.parametrize("value", ["inf", "1e300", "nan"])
def test_an_unbounded_time_is_refused(
    settings_class: type[StoreSettings], name: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = f"--{name.replace('_', '-')}"
    with pytest.raises(SystemExit) as ended:
        load(settings_class, [flag, value], "taskqueue any")
    assert ended.value.code == 2
    assert f"{flag} must be " in capsys.readouterr().err


#: Values of any kind that YAML and the environment have.
ODD: tuple[object, ...] = (
    "",
    "x",
    "-1",
    "1.5",
    "9" * 5_000,
    "1e400",
    "nan",
    "a/b\0",
    "\ud800",
    None,
    True,
    1.5,
    math.inf,
    [],
    [1],
    {"a": 1},
)
#: Words of pydantic, and of the rule that stands for all rules without one of ours.
OF_NO_RULE = re.compile(r"[Ii]nput|should|\bvalid |parse|class|of the form that")


@pytest.mark.parametrize(
    "settings_class",
    [SchedulerSettings, WorkerSettings, OperatorSettings, ApiSettings],
    ids=lambda one: one.__name__,
)
@pytest.mark.parametrize("value", ODD, ids=lambda one: ascii(one)[:10])
def test_no_refusal_has_words_of_pydantic(
    settings_class: type[StoreSettings],
    value: object,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = settings_class.model_fields.keys() - {"config"}
    monkeypatch.setattr(settings, "read_settings_file", lambda *_: dict.fromkeys(names, value))
    with pytest.raises(SystemExit) as ended:
        load(settings_class, ["--config", "odd.yaml"], PROG)
    said = capsys.readouterr().err
    assert (ended.value.code, OF_NO_RULE.findall(said)) == (2, []), said
    assert "odd.yaml: " in said


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("release", "must be 1 to 63 letters, digits, dots"),
        ("external_metrics_service", "must be 1 to 63 lower-case letters"),
        ("external_metrics_secret", "must be 1 to 253 lower-case letters"),
    ],
)
def test_a_name_is_refused_by_the_rule_of_its_own_setting(
    name: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flag = f"--{name.replace('_', '-')}"
    with pytest.raises(SystemExit):
        load(OperatorSettings, [flag, "a b"], PROG)
    assert f"{flag} {says}" in capsys.readouterr().err
