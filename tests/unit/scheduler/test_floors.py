"""Floors: the instant from which each type goes on in a store that lost everything."""

import msgspec
import pytest

from taskqueue.models.values import CatchUp, Schedule, TaskType
from taskqueue.plan.replay import Replay, due_in_replay
from taskqueue.plan.segment import Segment
from taskqueue.scheduler.floors import MAX_TYPES, CursorCopy, Floors, floors, newest, replay

MINUTE = Schedule(interval_s=60)
EVERY = TaskType("every", MINUTE, catch_up=CatchUp.ALL)
NARROW = TaskType("every", Schedule(interval_s=3_600, window_s=60), catch_up=CatchUp.ALL)
LATEST = TaskType("latest", MINUTE)
#: A quarter of a minute into a period.
CURSOR_MS = 600_015_000


def steady(by_type: dict[str, int] | None = None, *, seen_ms: int = CURSOR_MS) -> Floors:
    return Floors(seen_ms, by_type or {})


@pytest.mark.parametrize(
    ("seen", "kept_places", "after_ms"),
    [
        pytest.param(steady(), True, None, id="nothing waited: two seconds, as all others"),
        pytest.param(
            steady({"every": 599_000_123}), True, 599_000_122, id="as far as the oldest that waited"
        ),
        pytest.param(steady(seen_ms=CURSOR_MS - 5_000), True, CURSOR_MS - 5_001, id="seen a while ago"),
        pytest.param(steady(), False, 599_999_999, id="other places: the whole period"),
        pytest.param(
            steady({"every": 599_000_123}), False, 598_979_999, id="places unknown: the period of the oldest"
        ),
        pytest.param(steady({"other": 5}), True, None, id="another type waited"),
        pytest.param(None, False, 599_999_999, id="nobody looked"),
    ],
)
def test_a_type_with_catch_up_all_goes_back(
    seen: Floors | None, kept_places: bool, after_ms: int | None
) -> None:
    found = replay(CursorCopy(CURSOR_MS, seen), [EVERY, LATEST], kept_places=kept_places)
    assert found.after_ms == CURSOR_MS - 2_000
    assert found.end_ms == CURSOR_MS
    assert found.by_type == ({} if after_ms is None else {"every": after_ms})
    assert found.start_ms == min(found.after_ms, after_ms or found.after_ms)


def test_a_finished_window_is_not_replayed() -> None:
    assert replay(CursorCopy(7_200_000 + 61_998), [NARROW], kept_places=False).by_type == {"every": 7_199_999}
    assert replay(CursorCopy(7_200_000 + 61_999), [NARROW], kept_places=False).by_type == {}


def test_a_copy_names_a_bounded_number_of_types() -> None:
    oldest = {f"t-{k}": 1_000 + k for k in range(MAX_TYPES + 20)}
    found = floors(1_000_000, oldest)
    assert len(found.by_type) == MAX_TYPES
    rest = {name: due_ms for name, due_ms in oldest.items() if name not in found.by_type}
    assert found.seen_ms == min(rest.values())
    assert max(found.by_type.values()) < min(rest.values())
    assert len(msgspec.json.encode(found)) < 20_000


@pytest.mark.parametrize(
    ("known", "other", "expected"),
    [
        (None, None, None),
        (CursorCopy(5), None, CursorCopy(5)),
        (None, CursorCopy(5, Floors(4)), CursorCopy(5, Floors(4))),
        (CursorCopy(9), CursorCopy(5, Floors(4)), CursorCopy(9, Floors(4))),
        (CursorCopy(3, Floors(2)), CursorCopy(5, Floors(4)), CursorCopy(5, Floors(2))),
    ],
)
def test_the_newest_of_two_copies(
    known: CursorCopy | None, other: CursorCopy | None, expected: CursorCopy | None
) -> None:
    assert newest(known, other) == expected


def test_a_replay_starts_each_type_at_its_own_floor() -> None:
    segments = [Segment("every", 1, MINUTE, catch_up=CatchUp.ALL), Segment("latest", 1, MINUTE)]
    again = Replay(50_000, 60_000, {"every": 10_000})
    found = [
        (one.type, one.occurrence_s * 1_000 + one.offset_lo_ms, one.occurrence_s * 1_000 + one.offset_hi_ms)
        for after_ms, until_ms in ((10_000, 40_000), (40_000, 55_000))
        for one in due_in_replay(again, segments, after_ms, until_ms, 56_000)
        if not one.missed
    ]
    assert next(row for row in found if row[0] == "latest")[1] == 50_001
    assert min(row[1] for row in found if row[0] == "every") == 10_001
    assert {row[0] for row in found if row[2] <= 50_000} == {"every"}
