"""Excluded time on the wall, also when clocks change, and the dues around it."""

from datetime import datetime

import pytest

from taskqueue.models.time_zone import read_time_zone
from taskqueue.models.values import CatchUp, Exclusion, Schedule, Weekday
from taskqueue.plan.due import due
from taskqueue.plan.exclude import DAY_MS, MAX_DAYS, excluded_spans, excluded_until_ms
from taskqueue.plan.excluded_due import stretches
from taskqueue.plan.following import following, next_period_s
from taskqueue.plan.segment import DueRange, Segment

HOUR_S, DAY_S = 3_600, 86_400
BERLIN = "Europe/Berlin"
WEEKEND = Exclusion(weekdays=(Weekday.SAT, Weekday.SUN))
NIGHT = Exclusion(daily_s=(22 * HOUR_S, 6 * HOUR_S))
LUNCH = Exclusion(daily_s=(12 * HOUR_S, 13 * HOUR_S))
EVENING = Exclusion(daily_s=(22 * HOUR_S, 24 * HOUR_S))
SMALL_HOURS = Exclusion(daily_s=(2 * HOUR_S, 3 * HOUR_S))
HALF_PAST = Exclusion(daily_s=(2 * HOUR_S + 1_800, 4 * HOUR_S))
NIGHTLY = Schedule(cron="0 2 * * *", time_zone=BERLIN)


def dates(first: str, last: str = "") -> Exclusion:
    days = [at(text + " 00:00", "UTC") // DAY_MS for text in (first, last or first)]
    return Exclusion(dates=((days[0], days[1]),))


def at(text: str, time_zone: str) -> int:
    """Return epoch ms; a text with `again` is the second pass of a repeated hour."""
    wall = datetime.fromisoformat(text.removesuffix(" again")).replace(tzinfo=read_time_zone(time_zone))
    return int(wall.replace(fold=text.endswith(" again")).timestamp()) * 1000


def clock(ms: int, time_zone: str) -> str:
    wall = datetime.fromtimestamp(ms / 1000, read_time_zone(time_zone))
    return f"{wall:%m-%d %H:%M}" + (" again" if wall.fold else "")


@pytest.mark.parametrize(
    ("exclude", "zone", "day", "spans"),
    [
        ([], BERLIN, "2026-06-01", []),
        ([LUNCH], BERLIN, "2026-06-01", ["06-01 12:00 to 06-01 13:00"]),
        ([EVENING], BERLIN, "2026-06-01", ["06-01 22:00 to 06-02 00:00"]),
        ([NIGHT], BERLIN, "2026-06-01", ["06-01 00:00 to 06-01 06:00", "06-01 22:00 to 06-02 00:00"]),
        ([WEEKEND], BERLIN, "2026-06-05", []),
        ([WEEKEND], BERLIN, "2026-06-06", ["06-06 00:00 to 06-07 00:00"]),
        ([dates("2026-06-01")], "Asia/Tokyo", "2026-06-01", ["06-01 00:00 to 06-02 00:00"]),
        ([dates("2026-05-30", "2026-06-01")], "Asia/Tokyo", "2026-06-02", []),
        ([dates("2026-05-30", "2026-06-01"), LUNCH], BERLIN, "2026-06-01", ["06-01 00:00 to 06-02 00:00"]),
        # 2:00 to 3:00 does not exist on 29 March, and passes twice on 25 October.
        ([SMALL_HOURS], BERLIN, "2026-03-29", []),
        ([SMALL_HOURS], BERLIN, "2026-10-25", ["10-25 02:00 to 10-25 03:00"]),
        ([HALF_PAST], BERLIN, "2026-03-29", ["03-29 03:00 to 03-29 04:00"]),
        (
            [HALF_PAST],
            BERLIN,
            "2026-10-25",
            ["10-25 02:30 to 10-25 02:00 again", "10-25 02:30 again to 10-25 04:00"],
        ),
        ([SMALL_HOURS], "Australia/Lord_Howe", "2026-10-04", ["10-04 02:30 to 10-04 03:00"]),
        # Samoa had no 30 December 2011.
        ([dates("2011-12-30")], "Pacific/Apia", "2011-12-29", []),
        ([dates("2011-12-31")], "Pacific/Apia", "2011-12-31", ["12-31 00:00 to 01-01 00:00"]),
    ],
)
def test_spans_follow_the_clock_on_the_wall(
    exclude: list[Exclusion], zone: str, day: str, spans: list[str]
) -> None:
    begin = at(f"{day} 00:00", zone)
    noon_after = datetime.fromtimestamp((begin + DAY_MS + DAY_MS // 2) / 1000, read_time_zone(zone))
    end = at(f"{noon_after:%Y-%m-%d} 00:00", zone)
    found = excluded_spans(tuple(exclude), zone, begin, end)
    assert [f"{clock(lo, zone)} to {clock(hi, zone)}" for lo, hi in found] == spans


def test_spans_of_several_days_are_joined_and_cut_at_both_ends() -> None:
    friday_noon = at("2026-06-05 12:00", BERLIN)
    monday_noon = friday_noon + 3 * DAY_MS
    exclude = (WEEKEND, NIGHT)
    (weekend,) = excluded_spans(exclude, BERLIN, friday_noon, monday_noon)
    assert [clock(edge, BERLIN) for edge in weekend] == ["06-05 22:00", "06-08 06:00"]
    assert excluded_spans(exclude, BERLIN, weekend[0] + 5, weekend[1] - 5) == [
        (weekend[0] + 5, weekend[1] - 5)
    ]
    assert excluded_spans(exclude, BERLIN, weekend[1], weekend[1] + 1) == []
    assert excluded_spans(exclude, BERLIN, weekend[1] - 1, weekend[1] - 1) == []


@pytest.mark.parametrize(
    ("instant", "until"),
    [
        ("2026-06-05 21:59", "06-05 21:59"),
        ("2026-06-05 22:00", "06-08 06:00"),
        ("2026-06-07 12:00", "06-08 06:00"),
        ("2026-06-08 06:00", "06-08 06:00"),
        ("2026-06-08 23:00", "06-09 06:00"),
    ],
)
def test_excluded_time_ends_with_the_last_of_its_exclusions(instant: str, until: str) -> None:
    assert clock(excluded_until_ms((WEEKEND, NIGHT), BERLIN, at(instant, BERLIN)), BERLIN) == until


def test_excluded_time_may_end_at_midnight_of_utc() -> None:
    assert excluded_until_ms((EVENING,), "UTC", DAY_MS - 1) == DAY_MS
    assert excluded_until_ms((dates("1970-01-01", "1970-01-03"),), "UTC", 5) == 3 * DAY_MS


def test_excluded_time_without_end_counts_as_ended_after_ten_years() -> None:
    for_good = (Exclusion(dates=((10, 10_000_000),)),)
    assert excluded_until_ms(for_good, "UTC", 10 * DAY_MS) == (11 + MAX_DAYS) * DAY_MS
    hourly = Schedule(interval_s=HOUR_S)
    (found,) = following(hourly, for_good, 10 * DAY_S - HOUR_S, 0, 5)
    assert found == (0, 5, (11 + MAX_DAYS) * DAY_S)


@pytest.mark.parametrize(
    ("schedule", "exclude", "after", "offsets", "expected"),
    [
        (NIGHTLY, WEEKEND, "2026-06-05 02:00", (0, 3_599_999), [(0, 3_599_999, "06-08 02:00")]),
        (NIGHTLY, WEEKEND, "2026-06-04 02:00", (7, 7), [(7, 7, "06-05 02:00")]),
        (NIGHTLY, dates("2026-06-05", "2026-06-07"), "2026-06-04 02:00", (0, 9), [(0, 9, "06-08 02:00")]),
        # Half of the window from 21:30 on lies in the night.
        (
            Schedule(cron="30 9,21 * * *", time_zone=BERLIN),
            NIGHT,
            "2026-06-05 09:30",
            (0, 3_599_999),
            [(0, 1_799_999, "06-05 21:30"), (1_800_000, 3_599_999, "06-06 09:30")],
        ),
        # A pause in the middle of the window parts it in three.
        (
            Schedule(cron="0 11 * * *", time_zone=BERLIN, window_s=3 * HOUR_S),
            LUNCH,
            "2026-06-05 11:00",
            (0, 3 * HOUR_S * 1000 - 1),
            [
                (0, 3_599_999, "06-06 11:00"),
                # Excluded every day: after ten years a start is taken as it comes.
                (3_600_000, 7_199_999, "06-06 11:00"),
                (7_200_000, 10_799_999, "06-06 11:00"),
            ],
        ),
    ],
)
def test_the_following_start_is_found_for_each_offset(
    schedule: Schedule,
    exclude: Exclusion,
    after: str,
    offsets: tuple[int, int],
    expected: list[tuple[int, int, str]],
) -> None:
    after_s = at(after, BERLIN) // 1000
    found = sorted(following(schedule, (exclude,), after_s, *offsets))
    brief = [(lo, hi, clock(start_s * 1000, BERLIN)) for lo, hi, start_s in found]
    assert brief == expected
    beyond = [start_s > after_s + MAX_DAYS * DAY_S for _, _, start_s in found]
    assert beyond == [exclude is LUNCH and lo == 3_600_000 for lo, _, _ in expected]


def test_a_long_exclusion_is_jumped_over() -> None:
    every_second, summer = Schedule(interval_s=1), (dates("2026-07-01", "2026-08-31"),)
    before_s = at("2026-06-30 23:59:59", "UTC") // 1000
    assert list(following(every_second, summer, before_s, 0, 999)) == [(0, 999, before_s + 62 * DAY_S + 1)]


@pytest.mark.parametrize(
    ("exclude", "start"),
    [((), "06-06 02:00"), ((WEEKEND,), "06-08 02:00"), ((SMALL_HOURS, NIGHT), "06-06 02:00")],
)
def test_the_next_period_is_one_with_time_that_is_not_excluded(
    exclude: tuple[Exclusion, ...], start: str
) -> None:
    wide = Schedule(cron="0 2 * * *", time_zone=BERLIN, window_s=5 * HOUR_S)
    after_s = at("2026-06-05 02:00", BERLIN) // 1000
    assert clock(next_period_s(wide, exclude, after_s) * 1000, BERLIN) == start


def segment(exclude: Exclusion, schedule: Schedule = NIGHTLY, catch_up: CatchUp = CatchUp.LATEST) -> Segment:
    return Segment("t", 7, schedule, catch_up=catch_up, exclude=(exclude,))


def brief(ranges: list[DueRange]) -> list[tuple[str, int, int, str]]:
    """Return each range as (occurrence, lowest offset, highest offset, fate)."""
    return [
        (
            clock(r.occurrence_s * 1000, BERLIN),
            r.offset_lo_ms,
            r.offset_hi_ms,
            f"excluded {r.excluded}"
            if r.excluded
            else f"missed {r.missed}"
            if r.missed
            else f"{'overdue' if r.overdue else 'due'}, lives {r.life_ms / 3_600_000:g} h",
        )
        for r in ranges
    ]


def test_a_span_that_begins_in_excluded_time_is_cut_once() -> None:
    saturday, monday, end = (at(f"2026-06-{day}", BERLIN) for day in ("06 12:00", "08 00:00", "08 12:00"))
    cut = [(saturday, monday - 1, True), (monday - 1, end, False)]
    assert list(stretches(segment(WEEKEND), saturday, end)) == cut


def test_excluded_dues_are_counted_and_the_rest_of_the_window_is_emitted() -> None:
    late = segment(NIGHT, Schedule(cron="30 9,21 * * *", time_zone=BERLIN))
    begin, end = at("2026-06-05 21:00", BERLIN), at("2026-06-05 23:00", BERLIN)
    assert brief(due([late], begin, end, begin)) == [
        ("06-05 21:30", 0, 1_799_999, "due, lives 12 h"),
        ("06-05 21:30", 1_800_000, 3_599_999, "excluded 1"),
    ]


def test_latest_runs_fridays_missed_run_on_a_saturday_that_is_excluded() -> None:
    friday, sunday = at("2026-06-05 01:00", BERLIN), at("2026-06-07 12:00", BERLIN)
    assert brief(due([segment(WEEKEND)], friday, sunday, sunday)) == [
        ("06-05 02:00", 0, 3_599_999, "overdue, lives 72 h"),
        ("06-07 02:00", 0, 3_599_999, "excluded 2"),
    ]
    monday = at("2026-06-08 02:30", BERLIN)
    ((_, _, highest, fate), *_) = brief(due([segment(WEEKEND)], friday, sunday, monday))
    assert (highest, fate) == (1_800_000, "missed 1"), "their run of Monday was due by now"


@pytest.mark.parametrize("catch_up", list(CatchUp))
def test_a_long_outage_with_exclusions_is_counted_in_few_ranges(catch_up: CatchUp) -> None:
    begin = at("2026-06-01 00:00", "UTC")
    now = begin + 28 * DAY_MS
    minutely = segment(WEEKEND, Schedule(interval_s=60), catch_up)
    ranges = due([minutely], begin - 1, now, now)
    assert len(ranges) < 40 + (100 if catch_up is CatchUp.ALL else 0)
    assert sum(r.excluded for r in ranges) == 8 * 1_440
    assert sum((r.missed or not r.excluded) for r in ranges if r.offset_hi_ms) >= 20 * 1_440
