"""Manifests with exclusions to refuse."""

from collections.abc import Iterator
from typing import Any

from tests.support.manifests.case import FIVE_MINUTES, Case, of_type

WEEKEND = {"weekdays": ["Sat", "Sun"]}
NIGHT = {"from": "22:00", "to": "06:00"}

#: What is wrong, a bad item, a good one, and what the API server says of the bad one.
ITEMS: list[tuple[str, Any, Any, str]] = [
    ("nothing", {}, WEEKEND, "add weekdays (such as [Sat, Sun]), dates"),
    ("an empty list", {"dates": []}, {"dates": [], **WEEKEND}, "add weekdays (such as [Sat, Sun]), dates"),
    ("two forms", {**WEEKEND, "daily": NIGHT}, {"daily": NIGHT}, "must have only one of weekdays, dates"),
    ("text", "Sat", WEEKEND, "must be of type object"),
    ("a small letter", {"weekdays": ["sat"]}, WEEKEND, 'Unsupported value: "sat"'),
    ("eight days", {"weekdays": ["Sat"] * 8}, {"weekdays": ["Sat"] * 7}, "must have at most 7 items"),
    (
        "51 dates",
        {"dates": ["2026-12-24"] * 51},
        {"dates": ["2026-12-24"] * 50},
        "must have at most 50 items",
    ),
    ("no from", {"daily": {"to": "06:00"}}, {"daily": NIGHT}, "daily.from: Required value"),
    ("no to", {"daily": {"from": "22:00"}}, {"daily": NIGHT}, "daily.to: Required value"),
    (
        "a time as a number",
        {"daily": {"from": 1320, "to": "06:00"}},
        {"daily": NIGHT},
        "daily.from: Invalid value",
    ),
    (
        "from 24:00",
        {"daily": NIGHT | {"from": "24:00"}},
        {"daily": NIGHT | {"from": "00:00"}},
        "from must be a time",
    ),
    (
        "from 9:00",
        {"daily": NIGHT | {"from": "9:00"}},
        {"daily": NIGHT | {"from": "09:00"}},
        "from must be a time",
    ),
    ("to 24:01", {"daily": NIGHT | {"to": "24:01"}}, {"daily": NIGHT | {"to": "24:00"}}, "to must be a time"),
    (
        "to six",
        {"daily": NIGHT | {"to": "6am"}},
        {"daily": NIGHT | {"to": "06:00"}},
        "to must be a time of day",
    ),
    ("a time with seconds", {"daily": NIGHT | {"to": "06:00:00"}}, {"daily": NIGHT}, "Too long"),
    (
        "no length",
        {"daily": NIGHT | {"to": "22:00"}},
        {"daily": NIGHT | {"to": "22:01"}},
        "to must be another time",
    ),
]
#: A bad date, a good one, and what the API server says of the bad one.
DATES: list[tuple[Any, str, str]] = [
    ("24.12.2026", "2026-12-24", "dates must be a date from 1970 to 9999"),
    ("2026-02-29", "2028-02-29", "dates must be a date"),
    ("2026-02-30", "2026-02-28", "dates must be a date"),
    ("2100-02-29", "2400-02-29", "dates must be a date"),
    ("2026-04-31", "2026-03-31", "dates must be a date"),
    ("2026-13-01", "2026-12-01", "dates must be a date"),
    ("1969-12-31", "1970-01-01", "dates must be a date"),
    ("2026-12-24/", "2026-12-24/2026-12-24", "dates must be a date"),
    ("2026-12-24/2026-11-31", "2026-12-24/9999-12-31", "dates must be a date"),
    ("2027-01-01/2026-12-25", "2026-12-25/2027-01-01", "dates must be a first date that is not after"),
    ("2026-12-24/2026-12-26\n", "2026-12-24/2026-12-26", "Too long"),
    ("2026-12-24\n", "2026-12-24", "dates must be a date"),
    ("", "2026-12-24", "dates must be a date"),
    (20261224, "2026-12-24", "Invalid value"),
]


def exclusions() -> Iterator[Case]:
    def of(bad: Any, good: Any, says: str, name: str) -> Case:
        refused, taken = ({"schedule": FIVE_MINUTES | {"exclude": one}} for one in (bad, good))
        return of_type(f"exclude {name}", refused, taken, says)

    yield of([WEEKEND] * 51, [WEEKEND] * 50, "must have at most 50 items", "51 items")
    for name, bad, good, says in ITEMS:
        yield of([bad], [good], says, name)
    for written, existing, says in DATES:
        yield of([{"dates": [written]}], [{"dates": [existing]}], says, repr(written))
