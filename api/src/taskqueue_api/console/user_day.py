"""The day of a user as strips: a mark for each planned run, twelve hours back and ahead, a strip a subscription."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from taskqueue.models.outcome import Outcome
from taskqueue.views.user_history import NOT_KEPT, PlannedRun, UserHistory

#: Minutes of a strip before and after now.
REACH_MIN = 12 * 60
#: Runs that are read for all strips of a user.
MAX_RUNS = 500


@dataclass(frozen=True, slots=True)
class Mark:
    """A planned run.   x: minutes from the begin of the strip.   state: done, dead, missed, past or planned."""

    x: float
    state: str
    run: PlannedRun


def strips_of(history: UserHistory, installed_ms: int) -> Mapping[str, Sequence[Mark]]:
    """Return the marks of each type with a run in reach, by time; none from before the store was installed."""
    now_s = history.now.timestamp()
    first = installed_ms / 60_000 - now_s / 60 + REACH_MIN
    strips: dict[str, list[Mark]] = {}
    for run in history.runs:
        x = round((run.due.timestamp() - now_s) / 60 + REACH_MIN, 2)
        if max(0, first) <= x <= 2 * REACH_MIN:
            strips.setdefault(run.type, []).append(Mark(x, _state(run, is_past=x <= REACH_MIN), run))
    return dict(sorted(strips.items()))


def _state(run: PlannedRun, *, is_past: bool) -> str:
    if run.outcome:
        return "done" if run.outcome is Outcome.DONE else "dead"
    if not is_past:
        return "planned"
    return "past" if run.state == NOT_KEPT else "missed"
