"""The schedules of zones and of chosen intervals."""

from collections import Counter
from datetime import datetime

import pytest

from taskqueue.models.time_zone import read_time_zone
from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import occurrences, window_s
from taskqueue.plan.variants import is_offered, variants

NIGHTLY = Schedule(cron="0 2 * * *")
BERLIN, NEW_YORK, PARIS = "Europe/Berlin", "America/New_York", "Europe/Paris"
NUMBERS = {BERLIN: 1, NEW_YORK: 2, PARIS: 3, "60": 4, "300": 5}
DAY_S = 86_400


def test_only_cron_without_a_zone_follows_users() -> None:
    assert {number: one.time_zone for number, one in variants(NIGHTLY, NUMBERS)} == {
        0: "UTC",
        1: BERLIN,
        2: NEW_YORK,
        3: PARIS,
    }
    assert [number for number, _ in variants(Schedule(cron="0 2 * * *", time_zone=BERLIN), NUMBERS)] == [0]


def test_the_window_is_the_same_in_every_zone() -> None:
    assert {window_s(one) for _, one in variants(Schedule(cron="0 12 * * *", window_s=DAY_S), NUMBERS)} == {
        22 * 3600
    }


def test_only_offered_intervals_are_variants() -> None:
    schedule = Schedule(interval_s=3600, window_s=120, intervals_s=(60, 7200))
    assert {number: (one.interval_s, window_s(one)) for number, one in variants(schedule, NUMBERS)} == {
        0: (3600, 120),
        4: (60, 60),
    }


def test_a_variant_is_offered_by_its_kind_of_schedule() -> None:
    tiers, names = Schedule(interval_s=3600, intervals_s=(60,)), ("60", "300", BERLIN)
    assert [is_offered(tiers, name) for name in names] == [True, False, False]
    assert [is_offered(NIGHTLY, name) for name in names] == [False, False, True]


def test_like_schedules_share_their_variants() -> None:
    twice = [dict(variants(Schedule(cron="0 2 * * *"), NUMBERS)) for _ in range(2)]
    assert all(twice[0][number] is twice[1][number] for number in twice[0])


@pytest.mark.parametrize(
    ("old", "new", "moves_at", "runs"),
    [
        (BERLIN, NEW_YORK, "2027-01-14T01:00", 1),
        (BERLIN, NEW_YORK, "2027-01-14T03:00", 2),
        (NEW_YORK, BERLIN, "2027-01-14T01:00", 0),
        (NEW_YORK, BERLIN, "2027-01-14T03:00", 1),
        (BERLIN, PARIS, "2027-01-14T01:00", 1),
        (BERLIN, PARIS, "2027-01-14T03:00", 1),
    ],
)
def test_a_local_date_runs_as_the_page_says(old: str, new: str, moves_at: str, runs: int) -> None:
    at_s = int(datetime.fromisoformat(moves_at).replace(tzinfo=read_time_zone(old)).timestamp())
    schedule = dict(variants(NIGHTLY, NUMBERS))
    dates = Counter(
        datetime.fromtimestamp(start_s, read_time_zone(zone)).date().isoformat()
        for zone, lo_s, hi_s in ((old, at_s - 2 * DAY_S, at_s), (new, at_s, at_s + 2 * DAY_S))
        for start_s in occurrences(schedule[NUMBERS[zone]], lo_s, hi_s)
    )
    assert dates["2027-01-14"] == runs
    assert dates["2027-01-13"] == dates["2027-01-15"] == 1
