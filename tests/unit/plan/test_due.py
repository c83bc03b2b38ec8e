"""Due occurrences, and the effect of an outage under each policy."""

import pytest

from taskqueue.models.values import CatchUp, Priority, Schedule
from taskqueue.plan.catch_up import CATCH_UP_PERIODS, OVERDUE_GRACE_MS
from taskqueue.plan.due import due
from taskqueue.plan.segment import DueRange, Segment
from tests.support.process.counted_calls import calls

DAY_MS = 86_400_000
NOW = 1_770_000_123_456
EVERY_MINUTE = Schedule(interval_s=60, window_s=10)


def segment(
    schedule: Schedule = EVERY_MINUTE,
    catch_up: CatchUp = CatchUp.LATEST,
    starting_deadline_ms: int | None = None,
    until_s: int | None = None,
    from_s: int = 0,
) -> Segment:
    return Segment("t", 7, schedule, Priority.HIGH, catch_up, starting_deadline_ms, from_s, until_s)


def brief(ranges: list[DueRange]) -> list[tuple[int, int, int, str]]:
    """Return each range as (occurrence, lowest offset, highest offset, fate)."""
    return [
        (
            r.occurrence_s,
            r.offset_lo_ms,
            r.offset_hi_ms,
            f"missed {r.missed}" if r.missed else "overdue" if r.overdue else "due",
        )
        for r in ranges
    ]


def test_a_range_carries_the_stores_fields() -> None:
    assert due([segment()], 600_000, 600_250, 600_250) == [
        DueRange("t", 7, 1, 250, 600, 60_000, Priority.HIGH, overdue=False, missed=0)
    ]


@pytest.mark.parametrize(
    ("after", "until", "ranges"),
    [
        (599_999, 600_000, [(600, 0, 0, "due")]),
        (600_000, 600_000, []),
        (600_001, 600_000, []),
        (609_998, 609_999, [(600, 9_999, 9_999, "due")]),
        (609_999, 659_999, []),
        (609_900, 660_100, [(600, 9_901, 9_999, "due"), (660, 0, 100, "due")]),
    ],
)
def test_bounds_are_exclusive_below_and_inclusive_above(
    after: int, until: int, ranges: list[tuple[int, int, int, str]]
) -> None:
    assert brief(due([segment(catch_up=CatchUp.SKIP)], after, until, 600_000)) == ranges


def test_a_segment_keeps_to_its_time() -> None:
    old, new = segment(until_s=660), segment(from_s=720)
    assert brief(due([old, new], 599_999, 779_999, 600_000)) == [
        (600, 0, 9_999, "due"),
        (720, 0, 9_999, "due"),
    ]


@pytest.mark.parametrize(
    ("policy", "ranges"),
    [
        (
            CatchUp.LATEST,
            [
                (600, 0, 9_999, "missed 1"),
                (660, 0, 2_000, "missed 1"),
                (660, 2_001, 9_999, "overdue"),
                (720, 0, 2_000, "due"),
            ],
        ),
        (CatchUp.SKIP, [(660, 0, 9_999, "missed 2"), (720, 0, 2_000, "due")]),
        (CatchUp.ALL, [(600, 0, 9_999, "overdue"), (660, 0, 9_999, "overdue"), (720, 0, 2_000, "due")]),
    ],
)
def test_each_policy_after_two_lost_windows(policy: CatchUp, ranges: list[tuple[int, int, int, str]]) -> None:
    assert brief(due([segment(catch_up=policy)], 599_999, 722_000, 722_000)) == ranges


def test_latest_runs_the_end_of_the_line_however_late() -> None:
    ranges = due([segment(until_s=661)], 599_999, 900_000, 900_000)
    assert brief(ranges) == [(600, 0, 9_999, "missed 1"), (660, 0, 9_999, "overdue")]


def test_the_grace_splits_a_window_into_overdue_and_due() -> None:
    ranges = due([segment()], 599_999, 609_000, 609_000)
    assert brief(ranges) == [(600, 0, 3_999, "overdue"), (600, 4_000, 9_000, "due")]
    assert 609_000 - OVERDUE_GRACE_MS == 604_000


@pytest.mark.parametrize("policy", list(CatchUp))
def test_an_occurrence_past_its_starting_deadline_is_missed(policy: CatchUp) -> None:
    ranges = due([segment(catch_up=policy, starting_deadline_ms=2_000)], 599_999, 609_000, 609_000)
    assert brief(ranges) == [(600, 0, 6_999, "missed 1"), (600, 7_000, 9_000, "due")]
    assert {r.life_ms for r in ranges} == {2_000}


@pytest.mark.parametrize(
    ("policy", "life_ms"), [(CatchUp.LATEST, 60_000), (CatchUp.SKIP, 60_000), (CatchUp.ALL, 0)]
)
def test_a_job_without_deadline_lives_until_its_next_due(policy: CatchUp, life_ms: int) -> None:
    (found,) = due([segment(catch_up=policy)], 599_999, 600_000, 600_000)
    assert found.life_ms == life_ms


def test_a_cron_job_lives_until_its_next_due_across_a_clock_change() -> None:
    noon_before_spring = 1_774_695_600  # 2026-03-28 12:00 in Berlin
    nightly = segment(Schedule(cron="0 12 * * *", time_zone="Europe/Berlin"))
    (found,) = due([nightly], noon_before_spring * 1000, noon_before_spring * 1000 + 1, 0)
    assert (found.occurrence_s, found.life_ms) == (noon_before_spring, 23 * 3_600_000)


@pytest.mark.parametrize("schedule", [Schedule(interval_s=60), Schedule(cron="* * * * *")])
def test_all_goes_back_a_hundred_periods_and_no_further(schedule: Schedule) -> None:
    now = 600_000_000
    ranges = due([segment(schedule, CatchUp.ALL)], now - DAY_MS - 1, now, now)
    emitted = [r.occurrence_s for r in ranges if not r.missed]
    assert len(set(emitted)) == CATCH_UP_PERIODS
    assert (min(emitted), max(emitted)) == (600_000 - 99 * 60, 600_000)
    assert sum(r.missed for r in ranges) == 1441 - CATCH_UP_PERIODS


@pytest.mark.parametrize("policy", [CatchUp.LATEST, CatchUp.SKIP])
def test_a_long_outage_is_counted_in_a_few_ranges(policy: CatchUp) -> None:
    intervals = (1, 2, 5, 10, 30, 60, 300, 3_600, 86_400)
    segments = [segment(Schedule(interval_s=each), policy) for each in intervals]
    ranges = due(segments, NOW - 30 * DAY_MS, NOW, NOW)
    assert len(ranges) <= 12 * len(segments)
    for each in intervals:
        mine = due([segment(Schedule(interval_s=each), policy)], NOW - 30 * DAY_MS, NOW, NOW)
        planned = sum((r.offset_hi_ms - r.offset_lo_ms + 1) * (r.missed or 1) for r in mine)
        assert planned == 30 * DAY_MS  # one due in every millisecond, as the window is the interval


def test_the_ticker_in_steady_state_and_after_an_outage_is_quick() -> None:
    zones = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
    segments = [
        *(segment(Schedule(interval_s=60 + 7 * i)) for i in range(200)),
        *(segment(Schedule(cron=f"{i % 60} {i % 24} * * *", time_zone=zones[i % 4])) for i in range(100)),
    ]

    def cost(after: int) -> int:
        due(
            segments, after, NOW, NOW
        )  # what is remembered of cron expressions and zones is there from then on
        return calls(lambda: due(segments, after, NOW, NOW))

    # Counted: 2,939 and 13,244, which took 1 and 10 ms on the machine of the reference numbers.
    assert cost(NOW - 250) < 20 * len(segments)
    assert cost(NOW - DAY_MS) < 90 * len(segments)
