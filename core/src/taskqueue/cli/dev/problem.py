"""Why a run of `taskqueue dev` did nothing although jobs were due."""

import time
from pathlib import Path

from taskqueue.cli.dev.complaints import complaints
from taskqueue.cli.dev.scrape import Look
from taskqueue.cli.dev.stack import Stack
from taskqueue.cli.dev.summary import Summary
from taskqueue.plan.forecast import starts
from taskqueue.sources.folder import load


def find_problem(stack: Stack, summary: Summary, running: Look, ran_s: float) -> str | None:
    """Say why nothing was done, with the last complaint of each process; None where something was, or nothing due.

    running: the last look while the workers ran. ran_s: for how long they did.
    """
    if summary.done:
        return None
    said = complaints(stack.logs())
    begun = running.audit.leased
    due = sum(running.audit.due.values()) + running.audit.parked + begun + summary.ended_badly
    # A scheduler that the store refuses emits nothing; what the manifests ask for tells that from a quiet folder.
    if not due and (summary.emitted or not said or not _asked(stack.wanted.path, ran_s)):
        return None
    why = "; ".join(said) or f"no process complained, and {begun} jobs had begun"
    return f"nothing was done although jobs were due: {why}; logs: {stack.folder}"


def _asked(path: Path, ran_s: float) -> bool:
    """Whether the manifests ask for a start in the seconds that ended now."""
    step_s = max(1, int(ran_s))
    (expected,) = starts(load(path).demands(), int(time.time()) - step_s, step_s, step_s)
    return expected >= 1
