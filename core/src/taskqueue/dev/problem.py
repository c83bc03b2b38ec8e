"""The reason why a run of `taskqueue dev` did nothing although jobs were due."""

import time
from pathlib import Path

from taskqueue.dev.complaints import complaints
from taskqueue.dev.snapshot import Snapshot
from taskqueue.dev.stack import Stack
from taskqueue.dev.summary import Summary
from taskqueue.plan.forecast import starts
from taskqueue.sources.folder import load


def find_problem(stack: Stack, summary: Summary, running: Snapshot, ran_s: float) -> str | None:
    """Return a sentence with the last complaint of each process; None if a job was done, or none was due.

    running: the last snapshot while the workers ran. ran_s: seconds that they ran.
    """
    if summary.done:
        return None
    said = complaints(stack.logs())
    begun = running.audit.leased
    due = sum(running.audit.due.values()) + running.audit.parked + begun + summary.ended_badly
    # A scheduler that the store refuses emits nothing; the demand of the manifests tells it from a quiet folder.
    if not due and (summary.emitted or not said or not _asked(stack.options.path, ran_s)):
        return None
    why = "; ".join(said) or f"no process complained, and {begun} jobs had begun"
    return f"nothing was done although jobs were due: {why}; logs: {stack.folder}"


def _asked(path: Path, ran_s: float) -> bool:
    """Tell whether the manifests ask for a start in the last ran_s seconds."""
    step_s = max(1, int(ran_s))
    (expected,) = starts(load(path).demands(), int(time.time()) - step_s, step_s, step_s)
    return expected >= 1
