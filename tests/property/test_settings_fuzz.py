"""Settings as people and charts write them, right and wrong: each is taken, or refused by its name with status 2.

TASKQUEUE_FUZZ is the number of settings in all: 300 with every change, 100,000 in `make fuzz`.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskqueue.process.settings import ENVIRONMENT_PREFIX, StoreSettings, load
from taskqueue.scheduler.settings import SchedulerSettings
from taskqueue.text.printable import printable_line
from taskqueue_api.settings import ApiSettings
from taskqueue_operator.settings import OperatorSettings
from taskqueue_worker.settings import WorkerSettings

EXAMPLES = int(os.environ.get("TASKQUEUE_FUZZ") or "300")
PROGRAM = "taskqueue any"
CLASSES: Sequence[type[StoreSettings]] = (SchedulerSettings, WorkerSettings, OperatorSettings, ApiSettings)
NAMES = sorted({name for one in CLASSES for name in one.model_fields})
SECRET = "57#Wc903z"

odd_texts = st.text(max_size=20) | st.sampled_from(
    [
        "",
        "0",
        "-1",
        "1e3",
        "1e400",
        "nan",
        "inf",
        "-inf",
        "true",
        "null",
        "[]",
        "{}",
        "[1",
        "a,b",
        "9" * 5_000,
        "\x1b[31m",
        "\N{RIGHT-TO-LEFT OVERRIDE}",
        "\ud800",
        "\0",
        "a\nb",
        "/dev/null",
        "redis://h",
        f"redis://:{SECRET}@h/0",
        f"redis://h/0?ssl_password={SECRET}",
        "default",
    ]
)
odd_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary(max_size=4) | odd_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(NAMES) | odd_texts
EDITS = st.sampled_from(
    [
        b"",
        b"\xff",
        b"\0",
        b"- ",
        b": ",
        b"[" * 400,
        b"&a [*a]",
        b"!!python/object:os.system x",
        b"---\n",
        b"'",
    ]
)


def flags_of(given_names: Mapping[str, str]) -> list[str]:
    return [part for name, value in given_names.items() for part in (f"--{name.replace('_', '-')}", value)]


def without_nul(variables: Mapping[str, str]) -> dict[str, str]:
    """Keep the characters that an environment variable can hold."""
    return {
        ENVIRONMENT_PREFIX + name.upper(): value
        for name, value in variables.items()
        if name in NAMES and "\0" not in value and "\ud800" not in value
    }


def assert_refused(ended: SystemExit, shown: str) -> None:
    """Status 2, and each line names the program and a setting, a flag, a file or an argument."""
    assert ended.code == 2
    lines = shown.removesuffix("\n").split("\n")
    assert lines[-1] == f"{PROGRAM}: --help names every setting"
    assert len(lines) > 1
    for line in lines:
        name, _, message = line.removeprefix(f"{PROGRAM}: ").partition(": ")
        assert line.startswith(f"{PROGRAM}: ")
        assert line == printable_line(line, len(line))
        assert len(line) < 2_000
        assert name
        assert message or " must " in line or line == lines[-1] or "--" in line or "argument" in line


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    settings_class=st.sampled_from(CLASSES),
    file=st.none() | st.dictionaries(names, odd_values, max_size=3) | odd_values,
    edits=st.lists(st.tuples(st.integers(0, 200), EDITS), max_size=2),
    flags=st.dictionaries(st.sampled_from(NAMES), odd_texts, max_size=2),
    more=st.lists(odd_texts, max_size=1),
    variables=st.dictionaries(st.sampled_from(NAMES), odd_texts, max_size=2),
)
def test_odd_settings_are_taken_or_refused_by_name(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings_class: type[StoreSettings],
    file: Any,
    edits: list[tuple[int, bytes]],
    flags: dict[str, str],
    more: list[str],
    variables: dict[str, str],
) -> None:
    argv = flags_of(flags) + more
    if file is not None:
        data = yaml.dump(file, allow_unicode=True).encode("utf-8", "surrogatepass")
        for at, written in edits:
            data = data[: at % (len(data) + 1)] + written + data[at % (len(data) + 1) :]
        path = tmp_path / "config.yaml"
        path.write_bytes(data)
        argv += ["--config", str(path)]
    capsys.readouterr()
    with mock.patch.dict(os.environ, without_nul(variables), clear=True):
        try:
            load(settings_class, argv, PROGRAM)
        except SystemExit as ended:
            shown = capsys.readouterr()
            if ended.code:
                assert_refused(ended, shown.err)
                assert edits or "Wc903z" not in shown.err, "a URL that was cut into is none"
