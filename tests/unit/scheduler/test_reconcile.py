"""The writes for one task type, step by step, until no write is left."""

from dataclasses import replace

import pytest

from taskqueue.models.values import Exclusion, Priority, Schedule, TaskType, Weekday
from taskqueue.plan.schedule import window_s
from taskqueue.scheduler.reconcile import Change, advance, pending_move
from taskqueue.store.type_record import Generation, TypeRecord

NOW_S = 1_764_000_100
NOW_MS = NOW_S * 1000
FIVE_MINUTES = TaskType("orders", Schedule(interval_s=300), function="f")
ONE_HOUR = replace(FIVE_MINUTES, schedule=Schedule(interval_s=3600))


def settle(
    record: TypeRecord | None, spec: TaskType | None, cursor_ms: int = NOW_MS, now_ms: int = NOW_MS
) -> tuple[TypeRecord | None, list[Change]]:
    changes = []
    while change := advance(record, spec, cursor_ms, now_ms):
        changes.append(change)
        assert len(changes) < 10
        record = change.record
    return record, changes


def active(spec: TaskType) -> TypeRecord:
    record, _ = settle(None, spec)
    assert record is not None
    return record


def test_a_new_type_deals_waiting_subscriptions_first() -> None:
    first = advance(None, FIVE_MINUTES, NOW_MS, NOW_MS)
    assert first is not None
    assert first.record is not None
    assert first.record.segments({}) == []
    move = pending_move(first.record)
    assert move is not None
    assert (move.sources, move.target) == ((0,), 1)
    second = advance(first.record, FIVE_MINUTES, NOW_MS, NOW_MS)
    assert second is not None
    assert second.record is not None
    assert [one.generation for one in second.record.segments({})] == [1]
    assert pending_move(second.record) is None


def test_a_new_type_begins_with_the_current_period() -> None:
    record, _ = settle(None, FIVE_MINUTES, cursor_ms=NOW_MS - 3_600_000)
    assert record is not None
    assert record.active[0].from_s == NOW_S // 300 * 300


@pytest.mark.parametrize(
    "edit",
    [
        {"priority": Priority.HIGH},
        {"cost": 3},
        {"exclude": (Exclusion(weekdays=(Weekday.SUN,)),)},
        {"suspend": True},
        {"params": {"region": "eu"}},
        {"schedule": Schedule(interval_s=300, window_s=300)},  # what the default says
    ],
)
def test_an_edit_of_other_fields_moves_no_subscription(edit: dict[str, object]) -> None:
    record = active(FIVE_MINUTES)
    edited = replace(FIVE_MINUTES, **edit)  # type: ignore[arg-type]
    after, changes = settle(record, edited)
    assert after == replace(record, task_type=edited)
    assert len(changes) == 1
    assert changes[0].dropped == ()


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(interval_s=3600),
        Schedule(interval_s=300, window_s=60),
        Schedule(cron="0 2 * * *", time_zone="Europe/Berlin"),
    ],
)
def test_a_new_schedule_takes_over_ahead_of_the_cursor(
    schedule: Schedule,
) -> None:
    record, edited = active(FIVE_MINUTES), replace(FIVE_MINUTES, schedule=schedule)
    building = advance(record, edited, NOW_MS, NOW_MS)
    assert building is not None
    assert building.record is not None
    assert building.record.active == record.active
    move = pending_move(building.record)
    assert move is not None
    assert (move.sources, move.target) == ((0, 1), 2)
    change = advance(building.record, edited, NOW_MS + 700, NOW_MS)
    assert change is not None
    assert change.record is not None
    old, new = change.record.active
    assert old.until_s == new.from_s
    assert new.from_s * 1000 == change.before_ms > NOW_MS + 1_000
    assert new.schedule == schedule
    assert advance(change.record, edited, NOW_MS, NOW_MS) is None


def test_an_edit_waits_for_the_takeover_under_way() -> None:
    building = advance(active(FIVE_MINUTES), ONE_HOUR, NOW_MS, NOW_MS)
    assert building is not None
    daily = replace(FIVE_MINUTES, schedule=Schedule(interval_s=86_400))
    change = advance(building.record, daily, NOW_MS, NOW_MS)
    assert change is not None
    assert change.record is not None
    assert [one.number for one in change.record.active] == [1, 2]
    then = advance(change.record, daily, NOW_MS, NOW_MS)
    assert then is not None
    assert then.record is not None
    assert then.record.building == Generation(3, daily.schedule)


def test_a_generation_not_begun_is_replaced() -> None:
    record, _ = settle(active(FIVE_MINUTES), ONE_HOUR)
    assert record is not None
    begins_s = record.active[-1].from_s
    record, changes = settle(record, replace(FIVE_MINUTES, schedule=Schedule(interval_s=600)))
    assert record is not None
    assert [one.number for one in record.active] == [1, 3]
    assert record.active[0].until_s == record.active[1].from_s
    assert changes[-1].dropped == (2,)
    assert 0 < changes[-1].before_ms <= begins_s * 1000


def test_an_old_generation_goes_after_its_last_due() -> None:
    record, _ = settle(active(FIVE_MINUTES), ONE_HOUR)
    assert record is not None
    old = record.active[0]
    assert old.until_s is not None
    over_ms = (old.until_s + window_s(old.schedule)) * 1000
    assert advance(record, ONE_HOUR, over_ms, over_ms) is None
    change = advance(record, ONE_HOUR, over_ms + 1_000, over_ms)
    assert change is not None
    assert change.dropped == (1,)
    assert change.record is not None
    assert change.record.active == record.active[1:]


def test_a_removed_type_goes_after_its_subscriptions() -> None:
    record = active(FIVE_MINUTES)
    first = advance(record, None, NOW_MS, NOW_MS)
    assert first is not None
    assert first.record is not None
    assert first.record.segments({}) == []
    move = pending_move(first.record)
    assert move is not None
    assert (move.sources, move.target) == ((1,), 0)
    second = advance(first.record, None, NOW_MS, NOW_MS)
    assert second == Change("orders", None, dropped=(1,))


def test_a_type_desired_again_is_created_again() -> None:
    removed = replace(active(FIVE_MINUTES), removed=True)
    record, changes = settle(removed, FIVE_MINUTES)
    assert changes[0].record is None
    assert record is not None
    assert not record.removed
    assert [one.number for one in record.active] == [1]


def test_no_schedule_takes_over_without_a_cursor() -> None:
    building = advance(active(FIVE_MINUTES), ONE_HOUR, None, NOW_MS)
    assert building is not None
    assert advance(building.record, ONE_HOUR, None, NOW_MS) is None
