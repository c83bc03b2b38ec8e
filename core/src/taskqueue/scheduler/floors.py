"""Floors: the instant from which each type must be emitted again if the store loses everything now. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from taskqueue.models.values import CatchUp, TaskType
from taskqueue.plan.replay import Replay
from taskqueue.plan.schedule import previous_occurrence, window_s

#: Jobs emitted this long before the loss may not have started yet: they are emitted again.
LOST_WITH_STORE_MS = 2_000
#: Maximum number of types in a copy, which must fit into an annotation.
MAX_TYPES = 500


@dataclass(frozen=True, slots=True)
class Floors:
    """The oldest waiting jobs of types with catchUp All, epoch ms.

    by_type: the oldest due of each type that is named.
    seen_ms: no job of the remaining types waited with an earlier due.
    places: a digest of the places of their subscriptions; 0: unknown.
    """

    seen_ms: int
    by_type: Mapping[str, int] = field(default_factory=dict)
    places: int = 0


@dataclass(frozen=True, slots=True)
class CursorCopy:
    """A copy of the cursor outside the store. floors: None before the first read."""

    cursor_ms: int
    floors: Floors | None = None


def newest(known: CursorCopy | None, other: CursorCopy | None) -> CursorCopy | None:
    """Return the later cursor of two copies, with the floors of the first that has any."""
    if known is None or other is None:
        return known or other
    return CursorCopy(max(known.cursor_ms, other.cursor_ms), known.floors or other.floors)


def floors(seen_ms: int, oldest_ms: Mapping[str, int]) -> Floors:
    """Return the floors, given the oldest due by type when the cursor was at `seen_ms`.

    Types with a job that waited longer than LOST_WITH_STORE_MS are named; the oldest due of the rest becomes `seen_ms`.

    >>> floors(100_000, {"old": 1_000, "new": 99_000})
    Floors(seen_ms=99000, by_type={'old': 1000}, places=0)
    """
    oldest = sorted((due_ms, name) for name, due_ms in oldest_ms.items())
    named = sum(due_ms < seen_ms - LOST_WITH_STORE_MS for due_ms, _ in oldest[:MAX_TYPES])
    if named < len(oldest):
        seen_ms = min(seen_ms, oldest[named][0])
    return Floors(seen_ms, {name: due_ms for due_ms, name in oldest[:named]})


def replay(copy: CursorCopy, types: Iterable[TaskType], *, kept_places: bool) -> Replay:
    """Return the replay for a refilled store: the instant from which each type goes on. Raises ScheduleError.

    kept_places: subscriptions have the places they had. Otherwise one may have moved from after an instant to before
    it, and types with catchUp All go on from the beginning of their period.
    """
    after_ms = copy.cursor_ms - LOST_WITH_STORE_MS
    by_type = {}
    for one in types:
        if one.catch_up is CatchUp.ALL:
            first_ms = _first_ms(one, copy, kept_places=kept_places)
            if first_ms <= after_ms:
                by_type[one.name] = first_ms - 1
    return Replay(after_ms, copy.cursor_ms, by_type)


def _first_ms(task_type: TaskType, copy: CursorCopy, *, kept_places: bool) -> int:
    """Return the first due of a type whose job may have been lost, epoch ms."""
    seen = copy.floors
    first_ms = copy.cursor_ms - LOST_WITH_STORE_MS + 1
    if seen:
        first_ms = min(first_ms, seen.by_type.get(task_type.name, seen.seen_ms))
    if kept_places:
        return first_ms
    start_s = previous_occurrence(task_type.schedule, first_ms // 1000)
    over_ms = (start_s + window_s(task_type.schedule)) * 1000
    return first_ms if first_ms >= over_ms else start_s * 1000
