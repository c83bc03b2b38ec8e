"""The day of a user as strips: marks for planned runs, twelve hours back and ahead, a strip a subscription."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from taskqueue.models.time_zone import read_time_zone
from taskqueue.views.planned_run import PlannedRun
from taskqueue.views.user_history import ListedSpan, UserHistory

#: Minutes of a strip before and after now.
REACH_MIN = 12 * 60
#: Minutes that the mark of one run covers.
WIDTH_MIN = 4
#: Runs that are read for all strips of a user; the plan is computed whole all the same.
MAX_RUNS = 5_000
#: Hours between two times that the strips name.
_TICK_H = 4
#: Rows of the table below the strips.
_MAX_MISSED = 10


@dataclass(slots=True)
class Mark:
    """Planned runs of one kind that touch each other.   state: as `RunKind`.

    x, width: minutes, from the begin of the strip.
    """

    x: float
    width: float
    state: str
    runs: list[PlannedRun]

    @property
    def count(self) -> int:
        """Return the number of runs."""
        return len(self.runs)


@dataclass(frozen=True, slots=True)
class Tick:
    """A full hour.   percent: of a strip, from its begin.   local: as the user's clock has it."""

    percent: float
    utc: datetime
    local: datetime


def strips_of(history: UserHistory, installed_ms: int) -> Mapping[str, Sequence[Mark]]:
    """Return the marks of each type with a run in reach, by time; none from before the store was installed."""
    now_s = history.now.timestamp()
    first = installed_ms / 60_000 - now_s / 60 + REACH_MIN
    strips: dict[str, list[Mark]] = {}
    for run in history.runs:
        x = round((run.due.timestamp() - now_s) / 60 + REACH_MIN, 2)
        if max(0, first) <= x <= 2 * REACH_MIN:
            _add(strips.setdefault(run.type, []), Mark(x, WIDTH_MIN, run.kind, [run]))
    return dict(sorted(strips.items()))


def ticks_of(history: UserHistory, time_zone: str) -> Sequence[Tick]:
    """Return the hours that the strips name, every four of UTC."""
    begin = history.now - timedelta(minutes=REACH_MIN)
    hour = begin.replace(hour=begin.hour // _TICK_H * _TICK_H, minute=0, second=0, microsecond=0)
    reach = timedelta(minutes=2 * REACH_MIN)
    return [
        Tick(round(100 * ((at - begin) / reach), 2), at, at.astimezone(read_time_zone(time_zone)))
        for at in (hour + timedelta(hours=number) for number in range(_TICK_H, 25, _TICK_H))
        if at <= begin + reach
    ]


def cut_of(history: UserHistory) -> Sequence[ListedSpan]:
    """Return the spans of types of which some runs within the strips are not there."""
    reach = timedelta(minutes=REACH_MIN)
    return [one for one in history.cut if one.since > history.now - reach or one.until < history.now + reach]


def missed_of(strips: Mapping[str, Sequence[Mark]]) -> Sequence[Sequence[PlannedRun]]:
    """Return the last runs that ended badly, wait or did not run, the newest first.

    Runs of a type one after another with the same state are together, so that many of them hide no other.
    """
    missed = []
    for marks in strips.values():
        runs = [run for mark in reversed(marks) for run in reversed(mark.runs)]
        for (kind, _), together in groupby(runs, lambda run: (run.kind, run.state)):
            if kind in {"dead", "waits", "missed"}:
                missed.append(list(together))
    return sorted(missed, key=lambda runs: runs[0].due, reverse=True)[:_MAX_MISSED]


def _add(marks: list[Mark], mark: Mark) -> None:
    """Add a mark, to the last one where they are of one state and would touch."""
    last = marks[-1] if marks else None
    if last and last.state == mark.state and mark.x <= last.x + last.width:
        last.runs.extend(mark.runs)
        last.width = round(mark.x + mark.width - last.x, 2)
    else:
        marks.append(mark)
