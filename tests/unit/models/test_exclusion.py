"""Exclusions of a schedule: their values, and their refusals by name."""

from datetime import date, timedelta
from typing import Any

import pytest

from taskqueue.models.exclusion import parse_dates
from taskqueue.models.manifest import API_VERSION, parse
from taskqueue.models.refusal import ManifestRefusedError, ValueRefusedError
from taskqueue.models.values import Exclusion, TaskType, Weekday

EPOCH = date(1970, 1, 1)
CHRISTMAS = (date(2026, 12, 24) - EPOCH).days


def manifest(exclude: Any) -> dict[str, Any]:
    spec = {"schedule": {"interval": "5m", "exclude": exclude}, "handler": {"function": "f"}}
    return {"apiVersion": API_VERSION, "kind": "TaskType", "metadata": {"name": "sync"}, "spec": spec}


def read(exclude: Any) -> tuple[Exclusion, ...]:
    found = parse(manifest(exclude))
    assert isinstance(found, TaskType)
    return found.exclude


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ([], ()),
        (None, ()),
        ([{"weekdays": ["Sun", "Sat", "Sun"]}], (Exclusion(weekdays=(Weekday.SAT, Weekday.SUN)),)),
        (
            [{"dates": ["2026-12-25/2027-01-01", "2026-12-24"]}],
            (Exclusion(dates=((CHRISTMAS, CHRISTMAS), (CHRISTMAS + 1, CHRISTMAS + 8))),),
        ),
        ([{"daily": {"from": "22:00", "to": "06:00"}}], (Exclusion(daily_s=(79_200, 21_600)),)),
        ([{"daily": {"from": "00:00", "to": "24:00"}}], (Exclusion(daily_s=(0, 86_400)),)),
        (
            [{"weekdays": None, "dates": [], "daily": {"from": "12:30", "to": "13:00"}}],
            (Exclusion(daily_s=(45_000, 46_800)),),
        ),
    ],
)
def test_exclusions_become_numbers(written: Any, value: tuple[Exclusion, ...]) -> None:
    assert read(written) == value


@pytest.mark.parametrize(
    ("exclude", "field", "says"),
    [
        ("Sat", "", 'must be a list, such as [a, b] (was "Sat")'),
        (["Sat"], "[0]", "must be a mapping with weekdays, dates, daily"),
        ([{}], "[0]", "add weekdays (such as [Sat, Sun]), dates"),
        ([{"weekdays": []}], "[0]", "add weekdays"),
        ([{"weekdays": ["Sat"], "dates": ["2026-12-24"]}], "[0]", "must have only one of weekdays, dates"),
        (
            [{"weekdays": ["Sat"], "daily": {"from": "1:00", "to": "02:00"}}],
            "[0]",
            "must have only one of weekdays, dates",
        ),
        ([{"days": ["Sat"]}], "[0].days", "unknown field"),
        (
            [{"weekdays": ["sat"]}],
            "[0].weekdays[0]",
            'must be Mon, Tue, Wed, Thu, Fri, Sat or Sun (was "sat")',
        ),
        ([{"weekdays": ["Sat"] * 8}], "[0].weekdays", "must have at most 7 items (was 8)"),
        ([{"dates": ["2026-12-24"] * 51}], "[0].dates", "must have at most 50 items (was 51)"),
        ([{"weekdays": ["Sat"]}] * 51, "", "must have at most 50 items (was 51)"),
        (
            [{"dates": ["24.12.2026"]}],
            "[0].dates[0]",
            'must be a date from 1970 to 9999, such as "2026-12-24"',
        ),
        ([{"dates": ["2026-12-24", "2026-02-29"]}], "[0].dates[1]", '(was "2026-02-29")'),
        (
            [{"dates": ["2027-01-01/2026-12-25"]}],
            "[0].dates[0]",
            "must be a first date that is not after the last one",
        ),
        ([{"dates": ["2026-12-24\n"]}], "[0].dates[0]", "must be a date"),
        (
            [{"dates": [20261224]}],
            "[0].dates[0]",
            'must be text in quotes, such as "2026-12-24" (was 20261224)',
        ),
        ([{"daily": {"from": "22:00"}}], "[0].daily.to", "add to: it is required"),
        (
            [{"daily": {"from": 1320, "to": "06:00"}}],
            "[0].daily.from",
            'must be text in quotes, such as "22:00" (was 1320)',
        ),
        (
            [{"daily": {"from": "24:00", "to": "06:00"}}],
            "[0].daily.from",
            'must be a time of day from "00:00" to "23:59" (was "24:00")',
        ),
        (
            [{"daily": {"from": "22:00", "to": "6:00"}}],
            "[0].daily.to",
            'must be a time of day from "00:00" to "24:00" (was "6:00")',
        ),
        (
            [{"daily": {"from": "22:00", "to": "22:00"}}],
            "[0].daily.to",
            'must be another time than from (was "22:00")',
        ),
    ],
)
def test_a_bad_exclusion_is_named_with_its_remedy(exclude: Any, field: str, says: str) -> None:
    with pytest.raises(ManifestRefusedError) as error:
        parse(manifest(exclude))
    found = {refusal.field: refusal.message for refusal in error.value.refusals}
    assert says in found[f"spec.schedule.exclude{field}"]


def test_each_existing_date_and_no_other_is_read() -> None:
    for year in (1970, 1972, 1999, 2000, 2023, 2024, 2096, 2100, 2400, 3000, 9996, 9999):
        existing = {str(date(year, 1, 1) + timedelta(day)) for day in range(365)} | {f"{year}-12-31"}
        for month in range(14):
            for day in range(33):
                text = f"{year}-{month:02}-{day:02}"
                if text in existing:
                    assert parse_dates(text)[0] == (date.fromisoformat(text) - EPOCH).days
                else:
                    with pytest.raises(ValueRefusedError):
                        parse_dates(text)
    for text in (
        "1969-12-31",
        "10000-01-01",
        "2026-12-24/",
        "/2026-12-24",
        "2026-12-24/2026-12-24/2026-12-25",
        "2026-W01-1",
    ):
        with pytest.raises(ValueRefusedError):
            parse_dates(text)
