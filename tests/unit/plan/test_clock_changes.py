"""The nights in which a clock is put forward or back."""

import zoneinfo
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from taskqueue.models.time_zone import read_time_zone
from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import next_occurrence, occurrences, previous_occurrence

BERLIN, LORD_HOWE, APIA, HAVANA = "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana"
SPRING, AUTUMN = "2026-03-29", "2026-10-25"


def clock(cron: str, zone: str, day: str, days: int = 1) -> list[str]:
    """Return the clock in the zone at each occurrence of a local day; `'` marks an hour's second pass."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=read_time_zone(zone))
    end = midnight + timedelta(days=days)
    found = occurrences(Schedule(cron=cron, time_zone=zone), int(midnight.timestamp()), int(end.timestamp()))
    local = [datetime.fromtimestamp(start, read_time_zone(zone)) for start in found]
    return [f"{at:%H:%M}" + "'" * at.fold for at in local]


@pytest.mark.parametrize(
    ("cron", "zone", "day", "shown"),
    [
        # One fixed time: at the jump if the clock jumps over it, once if it comes twice.
        ("30 2 * * *", BERLIN, SPRING, ["03:00"]),
        ("30 2 * * *", BERLIN, AUTUMN, ["02:30"]),
        ("0 2 * * *", BERLIN, SPRING, ["03:00"]),
        ("0 3 * * *", BERLIN, SPRING, ["03:00"]),
        ("30 0 * * *", HAVANA, "2026-03-08", ["01:00"]),
        ("15 2 * * *", LORD_HOWE, "2026-10-04", ["02:30"]),
        # A range in a fixed hour: kept whole in spring, not doubled in autumn.
        ("*/15 2 * * *", BERLIN, SPRING, ["03:00", "03:15", "03:30", "03:45"]),
        ("*/15 2 * * *", BERLIN, AUTUMN, ["02:00", "02:15", "02:30", "02:45"]),
        ("10,40 2 * * *", BERLIN, SPRING, ["03:00", "03:30"]),
        ("*/30 1-3 * * *", BERLIN, SPRING, ["01:00", "01:30", "03:00", "03:30"]),
        # What would follow too closely on a displaced run yields to it, or it to what came before.
        ("5 2,3 * * *", BERLIN, SPRING, ["03:00"]),
        ("7,37 1-3 * * *", BERLIN, SPRING, ["01:07", "01:37", "03:07", "03:37"]),
        # Every n hours is a list of times of day.
        ("0 */6 * * *", BERLIN, SPRING, ["00:00", "06:00", "12:00", "18:00"]),
        ("0 */6 * * *", BERLIN, AUTUMN, ["00:00", "06:00", "12:00", "18:00"]),
        ("0 0-4/2 * * *", BERLIN, SPRING, ["00:00", "03:00", "04:00"]),
        ("0 0-4/2 * * *", BERLIN, AUTUMN, ["00:00", "02:00", "04:00"]),
    ],
)
def test_a_time_of_day_runs_exactly_once_a_day(cron: str, zone: str, day: str, shown: list[str]) -> None:
    assert clock(cron, zone, day) == shown


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), ("2026-06-01", 24)])
@pytest.mark.parametrize(("cron", "per_hour"), [("*/15 * * * *", 4), ("0 * * * *", 1), ("*/20 */1 * * *", 3)])
def test_an_expression_over_every_hour_follows_real_time(
    cron: str, per_hour: int, day: str, hours: int
) -> None:
    assert len(clock(cron, BERLIN, day)) == per_hour * hours


def test_real_time_schedules_run_twice_in_the_repeated_hour() -> None:
    assert clock("*/30 * * * *", BERLIN, AUTUMN)[4:8] == ["02:00", "02:30", "02:00'", "02:30'"]


def test_a_clock_put_back_by_half_an_hour_does_not_halve_the_gap() -> None:
    assert clock("45 * * * *", LORD_HOWE, "2026-04-05")[:4] == ["00:45", "01:45", "02:45", "03:45"]


def test_a_skipped_date_runs_when_the_clock_resumes() -> None:
    # Samoa went from 29 December 2011 straight to the 31st.
    assert clock("0 5 * * *", APIA, "2011-12-29", days=3) == ["05:00", "00:00", "05:00"]


def test_neighbours_agree_with_the_list_across_a_clock_change() -> None:
    schedule = Schedule(cron="*/20 1-3 * * *", time_zone=BERLIN)
    lo = int(datetime(2026, 3, 28, tzinfo=read_time_zone(BERLIN)).timestamp())
    listed = occurrences(schedule, lo, lo + 3 * 86_400)
    walked = [next_occurrence(schedule, lo - 1)]
    while len(walked) < len(listed):
        walked.append(next_occurrence(schedule, walked[-1]))
    assert walked == list(listed)
    assert [previous_occurrence(schedule, at) for at in listed] == list(listed)
    assert [previous_occurrence(schedule, at - 1) for at in listed[1:]] == list(listed[:-1])


def test_a_zone_is_that_of_the_tzdata_package_whatever_the_machine_has(tmp_path: Path) -> None:
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe" / "Vaduz").write_bytes(files("tzdata").joinpath("zoneinfo", "UTC").read_bytes())
    zoneinfo.reset_tzpath([tmp_path])
    try:
        found = next_occurrence(Schedule(cron="0 12 * * *", time_zone="Europe/Vaduz"), 0)
    finally:
        zoneinfo.reset_tzpath()
    assert found == 11 * 3600
