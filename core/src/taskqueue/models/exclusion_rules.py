"""Rules between the fields of exclusions. They read the document as written; see rules.py."""

from collections.abc import Iterator, Mapping
from typing import Any

from taskqueue.models.refusal import Refusal, must_be

#: Exactly one of them is given.
FORMS = ("weekdays", "dates", "daily")
NONE_GIVEN = (
    'add weekdays (such as [Sat, Sun]), dates (such as ["2026-12-24"]) or daily (with from and to) '
    "to the item of exclude"
)
SEVERAL_GIVEN = "an item of exclude must have only one of weekdays, dates and daily: write an item for each"
ALWAYS = "another time than from"


def exclude_conflicts(schedule: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find items with none or several of the forms, and parts of a day without length."""
    exclude = schedule.get("exclude")
    if not isinstance(exclude, list):
        return
    for position, item in enumerate(exclude):
        if not isinstance(item, dict):
            continue
        path = ("spec", "schedule", "exclude", position)
        given = [form for form in FORMS if item.get(form) not in (None, [])]
        if len(given) != 1:
            yield Refusal(path, SEVERAL_GIVEN if given else NONE_GIVEN)
        daily = item.get("daily")
        if isinstance(daily, dict) and isinstance(daily.get("to"), str) and daily["to"] == daily.get("from"):
            yield Refusal((*path, "daily", "to"), must_be(ALWAYS, daily["to"]))
