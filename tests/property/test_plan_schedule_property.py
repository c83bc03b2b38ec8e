"""Occurrences against a minute by minute look at the clock."""

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cronsim import CronSim
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taskqueue.models.time_zone import read_time_zone
from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import (
    next_occurrence,
    occurrences,
    previous_occurrence,
    shortest_gap_s,
    window_s,
)

DAY = 86_400
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
# Nights around every change of those clocks in 2026, and an ordinary one.
NIGHTS = st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-07-01"])
MINUTES = st.sets(st.integers(0, 59), min_size=1, max_size=4)
HOURS = st.sets(st.integers(0, 23), min_size=1, max_size=23)
DAYS = st.sampled_from(["* * *", "* * SUN", "1-7 * *", "*/2 * *", "L * *", "29 2 *", "* * MON#2", "13 * FRI"])


def expression(minutes: set[int], hours: set[int]) -> str:
    return f"{','.join(map(str, sorted(minutes)))} {','.join(map(str, sorted(hours)))} * * *"


def midnight(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def walls(lo: int, hi: int, zone: str) -> list[datetime]:
    return [datetime.fromtimestamp(at, read_time_zone(zone)).replace(tzinfo=None) for at in range(lo, hi, 60)]


@given(MINUTES, HOURS, ZONES, NIGHTS)
@settings(max_examples=60, deadline=None)
def test_a_named_time_runs_once_or_yields_to_a_neighbour(
    minutes: set[int], hours: set[int], zone: str, night: str
) -> None:
    schedule = Schedule(cron=expression(minutes, hours), time_zone=zone)
    lo = midnight(night) - DAY
    first_shown: dict[datetime, int] = {}
    for at, wall in zip(range(lo, lo + 3 * DAY, 60), walls(lo, lo + 3 * DAY, zone), strict=True):
        first_shown.setdefault(wall, at)
    named = {at for wall, at in first_shown.items() if wall.hour in hours and wall.minute in minutes}
    jumps = {
        at: at + int((later - earlier).total_seconds()) - 60
        for (earlier, later), at in zip(
            pairwise(walls(lo, lo + 3 * DAY, zone)), range(lo + 60, lo + 3 * DAY, 60), strict=True
        )
        if later - earlier > timedelta(minutes=1)
    }
    # The margins of the look are left out: what was shown before it began is unknown.
    found = [at for at in occurrences(schedule, lo, lo + 3 * DAY) if lo + DAY // 2 <= at < lo + 2.5 * DAY]
    in_jump = [at for at in found if any(start <= at < end for start, end in jumps.items())]
    assert set(found) - named <= set(in_jump)
    closest = min(window_s(schedule), 3600)
    for at in named - set(found):
        if lo + DAY // 2 <= at < lo + 2.5 * DAY:
            assert any(0 < at - other < closest for other in in_jump)


@given(MINUTES, ZONES, NIGHTS)
@settings(max_examples=40, deadline=None)
def test_an_hourly_expression_follows_the_clock(minutes: set[int], zone: str, night: str) -> None:
    if zone == "Australia/Lord_Howe":
        zone = "Asia/Kathmandu"  # half-hour changes are thinned out; they have an example of their own
    schedule = Schedule(cron=f"{','.join(map(str, minutes))} * * * *", time_zone=zone)
    lo = midnight(night)
    shown = zip(range(lo, lo + DAY, 60), walls(lo, lo + DAY, zone), strict=True)
    assert list(occurrences(schedule, lo, lo + DAY)) == [at for at, wall in shown if wall.minute in minutes]


@given(MINUTES, HOURS, DAYS, st.integers(0, 2_000_000_000))
@settings(max_examples=60, deadline=None)
def test_occurrences_in_utc_equal_cronsim(minutes: set[int], hours: set[int], days: str, after: int) -> None:
    cron = " ".join([*expression(minutes, hours).split()[:2], days])
    reference = CronSim(cron, datetime.fromtimestamp(after, UTC))
    at = after
    for _ in range(5):
        at = next_occurrence(Schedule(cron=cron), at)
        assert at == int(next(reference).timestamp())


@given(MINUTES, HOURS, DAYS, ZONES, st.integers(1_700_000_000, 1_830_000_000))
@example(
    {1}, {2}, "* * MON#2", "Europe/Berlin", 1_700_000_000
)  # the clock jumps on a Sunday between two Mondays
@settings(max_examples=60, deadline=None)
def test_occurrences_keep_the_gap_and_all_queries_agree(
    minutes: set[int], hours: set[int], days: str, zone: str, at: int
) -> None:
    cron = " ".join([*expression(minutes, hours).split()[:2], days])
    schedule = Schedule(cron=cron, time_zone=zone)
    listed = occurrences(schedule, at - 200 * DAY, at + 200 * DAY)
    assert all(later - earlier >= shortest_gap_s(schedule) for earlier, later in pairwise(listed))
    assert list(listed) == sorted(set(listed))
    before, after = bisect_right(listed, at), bisect_left(listed, at + 1)
    if before:
        assert previous_occurrence(schedule, at) == listed[before - 1]
    if after < len(listed):
        assert next_occurrence(schedule, at) == listed[after]
    middle = at + 3_601
    assert [*occurrences(schedule, at, middle), *occurrences(schedule, middle, at + 9 * DAY)] == list(
        occurrences(schedule, at, at + 9 * DAY)
    )
