"""The next write for one task type, from its stored record and its desired state. Pure, one step at a time.

A new schedule is always dealt next to the old one and then takes over, also where there is no old one:

    (none) --building--> dealt --takeover--> active --window of the old over--> active
    removed --------------> its subscriptions wait in generation 0 --> (none)

A record holds the whole state, so any process can take the next step. First the subscriptions are moved
(`pending_move`), then the record may `advance`.
"""

from dataclasses import dataclass, replace

from taskqueue.models.values import TaskType
from taskqueue.plan.schedule import previous_occurrence, window_s
from taskqueue.plan.spread import spread_classes
from taskqueue.plan.takeover import takeover_s
from taskqueue.store.scalars import MAX_GENERATIONS, WAITING_ROOM
from taskqueue.store.type_record import Generation, TypeRecord

#: A takeover is at least this far ahead, so that it is written before the cursor gets there; the cursor itself may
#: be a second ahead of the clock.
TAKEOVER_MARGIN_S = 2
#: An old generation is kept this long after its last due, for processes that are reading it.
RETIRE_MARGIN_MS = 1_000


@dataclass(frozen=True, slots=True)
class Move:
    """Subscriptions to deal before a record can advance: all members of the generations `sources` into `target`."""

    type: str
    sources: tuple[int, ...]
    target: int


@dataclass(frozen=True, slots=True)
class Change:
    """A write: the record (None: remove it) and the generations to drop.

    before_ms: the write is refused once the type was emitted up to there (epoch ms); 0: never.
    """

    type: str
    record: TypeRecord | None
    dropped: tuple[int, ...] = ()
    before_ms: int = 0


def pending_move(record: TypeRecord) -> Move | None:
    """Return the move that must precede `advance` for this record. A repeated move is harmless."""
    name = record.task_type.name
    if record.removed:
        return Move(name, tuple(one.number for one in record.generations), WAITING_ROOM)
    if record.building:
        older = tuple(one.number for one in record.active)
        return Move(name, (WAITING_ROOM, *older), record.building.number)
    return None


def advance(
    record: TypeRecord | None, task_type: TaskType | None, cursor_ms: int | None, now_ms: int
) -> Change | None:
    """Return the next write for a type whose `pending_move` was carried out, or None. Raises ScheduleError.

    cursor_ms None: the cursor is lost, so no schedule can take over.
    task_type None: the type is to be removed. A type that is desired again during its removal is removed first, and
    then created.
    """
    if record is None:
        if task_type is None:
            return None
        return Change(task_type.name, TypeRecord(task_type, (), building=Generation(1, task_type.schedule)))
    if record.removed or task_type is None:
        return _remove(record)
    if record.building is None:
        return _keep_up(record, task_type, cursor_ms or 0)
    if not record.active:
        return _begin(record.building, task_type, now_ms)
    return None if cursor_ms is None else _take_over(record, record.building, task_type, cursor_ms, now_ms)


def _remove(record: TypeRecord) -> Change:
    if record.removed:
        return Change(record.task_type.name, None, dropped=tuple(one.number for one in record.generations))
    return Change(record.task_type.name, replace(record, removed=True))


def _begin(building: Generation, task_type: TaskType, now_ms: int) -> Change:
    """Begin a new type with the current period; it makes up for no earlier outage."""
    from_s = previous_occurrence(building.schedule, now_ms // 1000)
    return Change(task_type.name, TypeRecord(task_type, (replace(building, from_s=from_s),)))


def _take_over(
    record: TypeRecord, building: Generation, task_type: TaskType, cursor_ms: int, now_ms: int
) -> Change:
    """Let the generation that was dealt take over from the generation in force.

    A generation whose takeover is still ahead is dropped, and the one in force goes on until the new takeover. The
    first generation is in force also while the cursor is behind its beginning.
    """
    kept = [one for one in record.active if one.from_s * 1000 <= cursor_ms] or [record.active[0]]
    not_begun = record.active[len(kept) :]
    old = kept.pop()
    after_s = max(cursor_ms // 1000, now_ms // 1000, old.from_s) + TAKEOVER_MARGIN_S
    from_s = takeover_s(old.schedule, building.schedule, after_s)
    active = (*kept, replace(old, until_s=from_s), replace(building, from_s=from_s))
    before_s = min(from_s, *(one.from_s for one in not_begun)) if not_begun else from_s
    dropped = tuple(one.number for one in not_begun)
    return Change(record.task_type.name, TypeRecord(task_type, active), dropped, before_s * 1000)


def _keep_up(record: TypeRecord, task_type: TaskType, cursor_ms: int) -> Change | None:
    retired = tuple(one for one in record.active if _is_over(one, cursor_ms))
    active = tuple(one for one in record.active if one not in retired)
    building = None
    if spread_classes(active[-1].schedule) != spread_classes(task_type.schedule):
        number = _next_number(record.active)
        building = Generation(number, task_type.schedule) if number else None
    next_record = TypeRecord(task_type, active, building)
    if next_record == record:
        return None
    return Change(task_type.name, next_record, dropped=tuple(one.number for one in retired))


def _next_number(active: tuple[Generation, ...]) -> int | None:
    """Return an unused number; None if all are in use: then an edit waits until a generation retires."""
    used = {one.number for one in active}
    after = active[-1].number
    turns = ((after + step) % MAX_GENERATIONS + 1 for step in range(MAX_GENERATIONS))
    return next((number for number in turns if number not in used), None)


def _is_over(generation: Generation, cursor_ms: int) -> bool:
    if generation.until_s is None:
        return False
    return cursor_ms >= (generation.until_s + window_s(generation.schedule)) * 1000 + RETIRE_MARGIN_MS
