"""Why a run of `taskqueue dev` did nothing, from its counters and logs."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taskqueue.cli.dev.complaints import complaints
from taskqueue.cli.dev.problem import find_problem
from taskqueue.cli.dev.scrape import ApiStats, Look
from taskqueue.cli.dev.stack import Stack, Wanted
from taskqueue.cli.dev.summary import Summary, summarize
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.store.audit import Audit

MANIFESTS = """
apiVersion: taskqueue.dev/v1alpha1
kind: TaskType
metadata: {name: fetch}
spec: {schedule: {interval: INTERVAL}, handler: {function: fetch}}
---
apiVersion: taskqueue.dev/v1alpha1
kind: UserSubscription
metadata: {name: u-1}
spec: {tasks: [{type: fetch}]}
"""
REFUSED = {"level": "warning", "event": "publish failed, retrying", "error": "OOM command not allowed"}
FAILED = {"level": "info", "event": "job failed", "reason": "ValueError"}
STARTED = {"level": "info", "event": "process started"}
NOTHING = Audit({}, {}, {}, 0, 0, 0, 0, 10_000, 10_000)
RAN_S = 10.0


def look(**audit: Any) -> Look:
    return Look(replace(NOTHING, **audit), ApiStats(), [], 0, 0, 10)


def stack(folder: Path, interval: str, *events: dict[str, str]) -> Stack:
    (folder / "tasks.yaml").write_text(MANIFESTS.replace("INTERVAL", interval))
    (folder / "scheduler-0.log").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    (folder / "redis.log").write_text(json.dumps(REFUSED))
    return Stack(Wanted(folder, 100.0, 1, 1, None, 10), folder)


def summary(**totals: int) -> Summary:
    return summarize(100.0, {}, look(), look(totals=totals))


@pytest.mark.parametrize(
    ("interval", "totals", "running", "events", "why"),
    [
        ("2s", {"done": 1, "dead": 3}, {}, [REFUSED], None),
        ("2s", {}, {}, [STARTED], None),
        ("2h", {}, {}, [REFUSED], None),
        ("2s", {"emitted": 4}, {}, [REFUSED], None),
        ("2s", {}, {}, [REFUSED, STARTED], "scheduler-0: publish failed, retrying (OOM command not allowed)"),
        ("2h", {"emitted": 4, "retried": 2}, {}, [FAILED], "scheduler-0: job failed (ValueError)"),
        (
            "2h",
            {"emitted": 4, "dead": 2},
            {},
            [REFUSED, FAILED],
            "scheduler-0: publish failed, retrying (OOM command not allowed)",
        ),
        (
            "2h",
            {"emitted": 4},
            {"due": {"normal": 4}},
            [STARTED],
            "no process complained, and 0 jobs had begun",
        ),
        ("2h", {"emitted": 4}, {"parked": 4}, [], "no process complained, and 0 jobs had begun"),
        ("2h", {"emitted": 4}, {"leased": 3}, [], "no process complained, and 3 jobs had begun"),
    ],
    ids=[
        "a job was done",
        "nobody complained",
        "nothing was due for hours",
        "jobs wait for their time",
        "the store refused the manifests",
        "every attempt failed",
        "what is severe goes first",
        "nobody took a due job",
        "all due jobs are parked",
        "no handler ended",
    ],
)
def test_an_idle_run_with_due_jobs_has_a_problem(
    tmp_path: Path,
    interval: str,
    totals: dict[str, int],
    running: dict[str, Any],
    events: list[dict[str, str]],
    why: str | None,
) -> None:
    found = find_problem(stack(tmp_path, interval, *events), summary(**totals), look(**running), RAN_S)
    expected = f"nothing was done although jobs were due: {why}; logs: {tmp_path}" if why else None
    assert found == expected


def test_a_problem_is_an_exit_code_below_an_audit_difference() -> None:
    idle = replace(summary(), problem="nothing was done")
    assert idle.exit_code() == ExitCode.REFUSED
    assert replace(idle, audit_difference=1).exit_code() == ExitCode.AUDIT
    assert "problem" not in dict(idle.lines())


def test_complaints_skip_non_events(tmp_path: Path) -> None:
    log = tmp_path / "worker-0.log"
    for line in ("a print", "[1]", "{", "[" * 10_000):
        log.write_text(f"{json.dumps(REFUSED)}\n{line}\n")
        assert complaints([log]) == ["worker-0: publish failed, retrying (OOM command not allowed)"]
    log.write_text("")
    assert complaints([log]) == []
