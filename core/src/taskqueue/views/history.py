"""The history of a task type: starts by lateness, and outcomes, in steps of a minute or more."""

from collections.abc import Iterable, Mapping

from taskqueue.models.outcome import Outcome
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.errors import UnknownTypeError
from taskqueue.store.history import (
    KEEP_HOURS,
    LATENESS_BOUNDS_MS,
    MINUTE_MS,
    MINUTES_PER_HOUR,
    Counters,
    Counts,
    read_hours,
    to_counts,
)
from taskqueue.store.types import read_catalog
from taskqueue.views.instant import at
from taskqueue.views.view import Instant, View

#: Hours, and the minutes of a step in a history of at most so many.
_STEPS = ((6, 1), (24, 5), (KEEP_HOURS, 15))


class HistoryRow(View):
    """Counts of a time that begins at an instant.

    lateness: the starts of first attempts, a number for each class of lateness.
    """

    at: Instant
    started: int
    lateness: list[int]
    outcomes: dict[Outcome, int]


class TypeHistory(View):
    """The history of a type: the sums, and rows without a gap from `since` to now.

    lateness_bounds_ms: upper bounds of the classes of lateness, of which the last has none.
    """

    type: str
    since: Instant
    step_seconds: int
    lateness_bounds_ms: list[int]
    started: int
    lateness: list[int]
    outcomes: dict[Outcome, int]
    rows: list[HistoryRow]


async def read_type_history(store: Store, task_type: str, since_ms: int) -> TypeHistory:
    """Return the history of a type from so long ago on, at most 72 hours: a read for each hour.

    Raises UnknownTypeError for a type that has neither a record nor a history.
    """
    until = await server_now_ms(store) // MINUTE_MS
    minutes = min(max(1, since_ms // MINUTE_MS), KEEP_HOURS * MINUTES_PER_HOUR)
    step = next(step for hours, step in _STEPS if minutes <= hours * MINUTES_PER_HOUR)
    since = (until - minutes) // step * step
    hours = range(since // MINUTES_PER_HOUR, until // MINUTES_PER_HOUR + 1)
    found: dict[int, Counters] = {}
    for one in await read_hours(store, [(task_type, hour) for hour in hours]):
        found |= one
    if not found and task_type not in (await read_catalog(store)).records:
        raise UnknownTypeError(task_type)
    rows = [_row(found, begin, range(begin, begin + step)) for begin in range(since, until + 1, step)]
    total = _row(found, since, range(since, until + 1))
    return TypeHistory(
        type=task_type,
        since=total.at,
        step_seconds=step * 60,
        lateness_bounds_ms=list(LATENESS_BOUNDS_MS),
        started=total.started,
        lateness=total.lateness,
        outcomes=total.outcomes,
        rows=rows,
    )


def _row(found: Mapping[int, Counters], begin: int, minutes: Iterable[int]) -> HistoryRow:
    """Return the sums of these minutes since 1970."""
    counts = _sum(to_counts(found[minute]) for minute in minutes if minute in found)
    return HistoryRow(
        at=at(begin * MINUTE_MS),
        started=sum(counts.starts),
        lateness=list(counts.starts[:-1]),
        outcomes=dict(zip(Outcome, counts.outcomes, strict=True)),
    )


def _sum(several: Iterable[Counts]) -> Counts:
    nothing = to_counts(())
    columns = list(zip(nothing, *several, strict=True))
    return Counts(*([sum(one) for one in zip(*column, strict=True)] for column in columns))
