"""Planned runs: each with its job, its outcome, or the reason for a missing job, as far as the store knows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from taskqueue.models.outcome import Outcome
from taskqueue.store.dead import DeadLetter
from taskqueue.store.job_name import parse
from taskqueue.views.instant import at
from taskqueue.views.user_detail import SubscriptionRow, UserJobRow
from taskqueue.views.user_dues import Due
from taskqueue.views.view import Instant, View

#: Time of the last run is kept in whole seconds.
_SECOND_MS = 1000
#: State of a run before the last one.
NOT_KEPT = "not kept: the store knows the last run and dead jobs"
#: State of a run after the last one that has no job.
NO_JOB = (
    "did not run: it was paused or suspended, expired, skipped, replaced or cancelled, no scheduler ran, or it was"
    " not subscribed then"
)

#: waits: its job waits or runs.   held: ahead, of a subscription that is paused or suspended.   excluded: left out.
RunKind = Literal["done", "dead", "waits", "missed", "unknown", "planned", "held", "excluded"]


class PlannedRun(View):
    """A run that the plan has.   outcome, ended_at: of the last run of its subscription, and of dead jobs.

    state: ended, the reason why its job died or waits, or, for one without a job: planned, the reason why it is held,
    left out or did not run, or not kept.
    """

    type: str
    due: Instant
    kind: RunKind
    outcome: Outcome | None
    ended_at: Instant | None
    state: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the jobs of a subscription.   dead: dead letters of its runs, by due, epoch ms.

    held_until_ms: until then it is paused or suspended; inf: until somebody ends that, 0: it is not.
    """

    row: SubscriptionRow
    jobs: Sequence[UserJobRow]
    dead: Mapping[int, DeadLetter] = field(default_factory=dict)
    held_until_ms: float = 0


def planned_runs(known: Known, dues: Sequence[Due], now_ms: int) -> Iterator[PlannedRun]:
    """Yield the run of each due of a subscription.   dues: by time, none left out after the first."""
    row = known.row
    why = {job.due_ms: one.why for one in known.jobs if (job := parse(one.job)).type == row.type}
    last_ms = _last_ms(known, dues, now_ms)
    ended_ms = row.last_at.timestamp() * 1000 if row.last_at else 0
    # A dead job that is the last run may have been due before a run that came meanwhile.
    is_told = any(one.at_ms // _SECOND_MS * _SECOND_MS == ended_ms for one in known.dead.values())
    for due in dues:
        if due.at_ms in known.dead:
            letter = known.dead[due.at_ms]
            yield _ended(row, due, Outcome.DEAD, letter.at_ms, f"dead: {letter.reason}")
        elif due.at_ms in why:
            yield _without_end(row, due, "waits", why[due.at_ms])
        elif due.exclusions:
            yield _without_end(
                row, due, "excluded", f"left out: its type excludes {'; '.join(due.exclusions)}"
            )
        elif due.at_ms == last_ms and row.last_outcome and not is_told:
            yield _ended(row, due, row.last_outcome, ended_ms, "ended")
        else:
            yield _without_end(row, due, *_without_job(known, due.at_ms, last_ms, now_ms))


def _last_ms(known: Known, dues: Sequence[Due], now_ms: int) -> int:
    """Return the due of the last run, epoch ms; 0 if it is none of these."""
    if known.row.last_at is None:
        return 0
    until_ms = min(known.row.last_at.timestamp() * 1000 + _SECOND_MS, now_ms)
    return max((due.at_ms for due in dues if due.at_ms <= until_ms and not due.exclusions), default=0)


def _without_job(known: Known, due_ms: int, last_ms: int, now_ms: int) -> tuple[RunKind, str]:
    """Return kind and state of a run of which the store has neither job nor outcome."""
    if due_ms > now_ms:
        return ("held", known.row.state) if due_ms < known.held_until_ms else ("planned", "planned")
    if due_ms <= last_ms:
        return "unknown", NOT_KEPT
    return "missed", known.row.state if known.held_until_ms else NO_JOB


def _ended(row: SubscriptionRow, due: Due, outcome: Outcome, ended_ms: float, state: str) -> PlannedRun:
    return PlannedRun(
        type=row.type,
        due=at(due.at_ms),
        kind="done" if outcome is Outcome.DONE else "dead",
        outcome=outcome,
        ended_at=at(max(ended_ms, due.at_ms)),
        state=state,
    )


def _without_end(row: SubscriptionRow, due: Due, kind: RunKind, state: str) -> PlannedRun:
    return PlannedRun(type=row.type, due=at(due.at_ms), kind=kind, outcome=None, ended_at=None, state=state)
