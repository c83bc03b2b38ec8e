"""What to do next for one task type, from its record and what is wanted of it. Pure, one step at a time.

A new schedule is always dealt beside the old one and then takes over, also where there is no old one:

    (none) --building--> dealt --takeover--> active --window of the old over--> active
    removed --------------> its subscriptions wait in generation 0 --> (none)

A record says all that is known, so whoever finds one goes on from there. First the subscriptions are moved
(`pending_move`), then the record may `advance`.
"""

from dataclasses import dataclass, replace

from taskqueue.models.values import TaskType
from taskqueue.plan.schedule import previous_occurrence, window_s
from taskqueue.plan.spread import spread_class
from taskqueue.plan.takeover import takeover_s
from taskqueue.store.type_record import GENERATIONS_MOST, Generation, TypeRecord

#: A takeover is at least this far ahead, so that it can be written before the cursor gets there; the cursor
#: itself may be a second ahead of the clock.
TAKEOVER_MARGIN_S = 2
#: An old generation is kept this long after its last due, for whoever looks at it just now.
RETIRE_MARGIN_MS = 1_000
#: Where the subscriptions of a type that does not exist wait.
WAITING_ROOM = 0


@dataclass(frozen=True, slots=True)
class Move:
    """Subscriptions to deal anew before a record can advance: all members of `sources` into `target`."""

    type: str
    sources: tuple[int, ...]
    target: int


@dataclass(frozen=True, slots=True)
class Change:
    """What to write: the record (None: remove it) and which generations to drop.

    before_cursor_ms: once the cursor is there it is too late; 0: never.
    """

    type: str
    record: TypeRecord | None
    dropped: tuple[int, ...] = ()
    before_cursor_ms: int = 0


def pending_move(record: TypeRecord) -> Move | None:
    """Return what must be moved before `advance` is right about this record. Moving again is harmless."""
    name = record.task_type.name
    if record.removed:
        return Move(name, tuple(one.number for one in record.generations), WAITING_ROOM)
    if record.building:
        older = tuple(one.number for one in record.active)
        return Move(name, (WAITING_ROOM, *older), record.building.number)
    return None


def advance(
    record: TypeRecord | None, spec: TaskType | None, cursor_ms: int | None, now_ms: int
) -> Change | None:
    """Return the next thing to write for a type whose `pending_move` was carried out, or None.

    cursor_ms None: it is lost, so that nothing can take over from anything.
    spec None: the type is not wanted. Where a type that is being removed is wanted again, it goes first and
    is then made anew. Raises ScheduleError.
    """
    if record is None:
        if spec is None:
            return None
        return Change(spec.name, TypeRecord(spec, (), building=Generation(1, spec.schedule)))
    if record.removed or spec is None:
        return _remove(record)
    if record.building is None:
        return _keep_up(record, spec, cursor_ms or 0)
    if not record.active:
        return _begin(record.building, spec, now_ms)
    return None if cursor_ms is None else _take_over(record, record.building, spec, cursor_ms, now_ms)


def _remove(record: TypeRecord) -> Change:
    if record.removed:
        return Change(record.task_type.name, None, dropped=tuple(one.number for one in record.generations))
    return Change(record.task_type.name, replace(record, removed=True))


def _begin(building: Generation, spec: TaskType, now_ms: int) -> Change:
    """Let a new type begin with the period that is on; it has no part in what an outage swallowed before."""
    from_s = previous_occurrence(building.schedule, now_ms // 1000)
    return Change(spec.name, TypeRecord(spec, (replace(building, from_s=from_s),)))


def _take_over(
    record: TypeRecord, building: Generation, spec: TaskType, cursor_ms: int, now_ms: int
) -> Change:
    """Hand over from the generation in force to the one that is built.

    A generation that was to take over and has not begun yet is dropped instead, and the one in force goes on.
    The first one is in force also while the cursor is still behind its beginning.
    """
    kept = [one for one in record.active if one.from_s * 1000 <= cursor_ms] or [record.active[0]]
    not_begun = record.active[len(kept) :]
    old = kept.pop()
    after_s = max(cursor_ms // 1000, now_ms // 1000, old.from_s) + TAKEOVER_MARGIN_S
    from_s = takeover_s(old.schedule, building.schedule, after_s)
    active = (*kept, replace(old, until_s=from_s), replace(building, from_s=from_s))
    before_s = min(from_s, *(one.from_s for one in not_begun)) if not_begun else from_s
    dropped = tuple(one.number for one in not_begun)
    return Change(record.task_type.name, TypeRecord(spec, active), dropped, before_s * 1000)


def _keep_up(record: TypeRecord, spec: TaskType, cursor_ms: int) -> Change | None:
    retired = tuple(one for one in record.active if _is_over(one, cursor_ms))
    active = tuple(one for one in record.active if one not in retired)
    building = None
    if spread_class(active[-1].schedule) != spread_class(spec.schedule):
        number = _next_number(record.active)
        building = Generation(number, spec.schedule) if number else None
    wanted = TypeRecord(spec, active, building)
    if wanted == record:
        return None
    return Change(spec.name, wanted, dropped=tuple(one.number for one in retired))


def _next_number(active: tuple[Generation, ...]) -> int | None:
    """Return a number that no generation has; None if all are in use, then an edit waits for one to retire."""
    used = {one.number for one in active}
    after = active[-1].number
    turns = ((after + step) % GENERATIONS_MOST + 1 for step in range(GENERATIONS_MOST))
    return next((number for number in turns if number not in used), None)


def _is_over(generation: Generation, cursor_ms: int) -> bool:
    if generation.until_s is None:
        return False
    return cursor_ms >= (generation.until_s + window_s(generation.schedule)) * 1000 + RETIRE_MARGIN_MS
