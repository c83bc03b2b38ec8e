"""Excluded time against the clock on the wall, read minute by minute; and the next due against a plain search."""

from datetime import date, datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.models.time_zone import read_time_zone
from taskqueue.models.values import Exclusion, Schedule, Weekday
from taskqueue.plan.exclude import excluded_spans, excluded_until_ms
from taskqueue.plan.following import following
from taskqueue.plan.schedule import next_occurrence, window_s

MINUTE_MS, DAY_MS = 60_000, 86_400_000
WEEKDAYS = tuple(Weekday)
# Days before and behind which clocks change: in Berlin, New York, Lord Howe (by half an hour), Santiago, Troll (by two
# hours), Samoa (by a whole date), Casablanca (for Ramadan).
DAYS = [20_541, 20_751, 20_520, 20_758, 20_730, 20_548, 20_702, 15_338, 20_502, 20_491]
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Antarctica/Troll",
        "Pacific/Apia",
        "Africa/Casablanca",
        "Asia/Kathmandu",
    ]
)
EXCLUSIONS = st.one_of(
    st.builds(
        lambda days: Exclusion(weekdays=tuple(days)),
        st.sets(st.sampled_from(WEEKDAYS), min_size=1, max_size=4),
    ),
    st.builds(
        lambda first, more: Exclusion(dates=((first, first + more),)),
        st.sampled_from(DAYS).flatmap(lambda day: st.integers(day - 2, day + 2)),
        st.integers(0, 2),
    ),
    st.builds(
        lambda begin, length: Exclusion(daily_s=(begin * 60, (begin + length) % 1440 * 60)),
        st.one_of(st.integers(0, 240), st.integers(0, 1439)),
        st.one_of(st.integers(1, 200), st.integers(1, 1439)),
    ),
)
LISTS = st.lists(EXCLUSIONS, min_size=1, max_size=3).map(tuple)


def is_excluded(exclude: tuple[Exclusion, ...], zone: str, at_ms: int) -> bool:
    wall = datetime.fromtimestamp(at_ms / 1000, read_time_zone(zone))
    day, minute = (wall.date() - date(1970, 1, 1)).days, wall.hour * 60 + wall.minute
    return any(
        WEEKDAYS[wall.weekday()] in one.weekdays
        or any(first <= day <= last for first, last in one.dates)
        or (one.daily_s is not None and minute in minutes_of(*one.daily_s))
        for one in exclude
    )


def minutes_of(begin_s: int, end_s: int) -> set[int]:
    begin, end = begin_s // 60, end_s // 60
    return {minute % 1440 for minute in range(begin, end if begin < end else end + 1440)}


@given(LISTS, ZONES, st.sampled_from(DAYS), st.integers(-DAY_MS, DAY_MS), st.integers(1, 2 * 1440))
@settings(max_examples=150, deadline=None)
def test_each_minute_is_excluded_as_its_wall_time_is(
    exclude: tuple[Exclusion, ...], zone: str, day: int, shift_ms: int, minutes: int
) -> None:
    lo = (day * DAY_MS + shift_ms) // MINUTE_MS * MINUTE_MS
    hi = lo + minutes * MINUTE_MS
    by_clock = [at for at in range(lo, hi, MINUTE_MS) if is_excluded(exclude, zone, at)]
    spans = excluded_spans(exclude, zone, lo, hi)
    assert [at for start, end in spans for at in range(start, end, MINUTE_MS)] == by_clock
    assert all(end < start for (_, end), (start, _) in pairwise(spans))
    for start, end in spans:
        if end < hi:
            assert excluded_until_ms(exclude, zone, start) == end
    assert all(start % MINUTE_MS == end % MINUTE_MS == 0 for start, end in spans)


@given(LISTS, ZONES, st.sampled_from(DAYS), st.integers(0, DAY_MS // 1000), st.data())
@settings(max_examples=150, deadline=None)
def test_the_next_due_is_the_first_that_is_not_excluded(
    exclude: tuple[Exclusion, ...], zone: str, day: int, shift_s: int, data: st.DataObject
) -> None:
    schedule = data.draw(
        st.sampled_from(
            [
                Schedule(interval_s=1_800),
                Schedule(interval_s=86_400),
                Schedule(cron="30 2 * * *", time_zone=zone),
                Schedule(cron="*/15 * * * *", time_zone=zone),
                Schedule(cron="0 */6 * * *", time_zone=zone, window_s=6 * 3_600),
            ]
        )
    )
    zone = schedule.time_zone or "UTC"
    start_s = next_occurrence(schedule, day * 86_400 + shift_s)
    last = window_s(schedule) * 1000 - 1
    lo, hi = sorted((data.draw(st.integers(0, last)), data.draw(st.integers(0, last))))
    found = sorted(following(schedule, exclude, start_s, lo, hi))
    assert (found[0][0], found[-1][1]) == (lo, hi)
    assert all(one[1] + 1 == other[0] for one, other in pairwise(found))
    for piece_lo, piece_hi, next_s in found:
        for offset in (piece_lo, (piece_lo + piece_hi) // 2, piece_hi):
            searched = next_occurrence(schedule, start_s)
            horizon_s = start_s + 20 * 86_400
            while searched < horizon_s and is_excluded(exclude, zone, searched * 1000 + offset):
                searched = next_occurrence(schedule, searched)
            assert next_s == searched or (searched >= horizon_s and next_s >= horizon_s)
