"""Starts and dues of the plan against a second reckoning, minute by minute, which shares no code with it.

TASKQUEUE_FUZZ=5000 compares that many new cases over 15 years each, instead of a few over two years.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from taskqueue.models.values import Exclusion, Schedule, Weekday
from taskqueue.plan.due import due
from taskqueue.plan.errors import ScheduleError
from taskqueue.plan.schedule import (
    next_occurrence,
    occurrences,
    previous_occurrence,
    shortest_gap_s,
    window_s,
)
from taskqueue.plan.segment import Segment
from taskqueue.plan.variants import variants
from tests.support.oracle import chance as at_random
from tests.support.oracle.excluded import Rule, excluded
from tests.support.oracle.line import read
from tests.support.oracle.starts import Minutes, cron_starts, interval_starts
from tests.support.oracle.wall import Wall, wall

FUZZ = int(os.environ.get("TASKQUEUE_FUZZ") or "0")
DAY_S = 86_400
#: The plan remembers this many days of a zone: cases of one zone are compared one stretch after another.
STRETCH_S = 2_000 * DAY_S
#: Intervals of tiers, in minutes.
INTERVALS = (1, 2, 5, 7, 15, 60, 90, 720, 1440, 2160, 10_080)
INSTANTS, DUES = 6, 3
#: Each zone of a run, and the year in which its span begins, or None for any.
ZONES: list[tuple[str, int | None]] = [
    ("UTC", None),
    ("Europe/Berlin", None),
    ("America/New_York", None),
    *at_random.ODD_ZONES.items(),
    *((f"any-{number}", None) for number in range(27)),
]
QUICK = {"Europe/Berlin", "America/Havana", "Antarctica/Troll", "Asia/Gaza", "Asia/Pyongyang", "any-1"}
QUICK |= {"Australia/Lord_Howe", "Europe/Volgograd", "Pacific/Apia", "Pacific/Chatham", "Africa/Cairo"}
QUICK_CASES, QUICK_YEARS, YEARS = 12, 2, 15


@dataclass(frozen=True)
class Case:
    """A schedule of the plan as one of its type's variants, and its starts by the oracle, also before the span.

    clock: of the zone in which `rules` exclude time.
    """

    schedule: Schedule
    variant: int
    starts: Minutes
    clock: Wall
    rules: tuple[Rule, ...]


def span_minutes(first_year: int, years: int) -> tuple[int, int]:
    lo, hi = (datetime(year, 1, 1, tzinfo=UTC) for year in (first_year, first_year + years))
    return int(lo.timestamp()) // 60, int(hi.timestamp()) // 60


def tier(chance: Random, clock: Wall) -> Case:
    """A subscription's interval in place of its type's: the zone plays no part."""
    own, *chosen = chance.sample(INTERVALS, 3)
    schedule = Schedule(interval_s=own * 60, intervals_s=tuple(sorted(one * 60 for one in chosen)))
    numbers = {str(one * 60): number for number, one in enumerate(chosen, 5)}
    number, interval = chance.choice([(0, own), *enumerate(chosen, 5)])
    last = clock.first + len(clock.shown)
    in_utc = wall("UTC", last - len(clock.shown), last)
    starts = interval_starts(interval, clock.first, last)
    return Case(dict(variants(schedule, numbers))[number], number, starts, in_utc, rules(chance, clock))


def cron(chance: Random, clock: Wall) -> Case | None:
    """A line in the zone of its type, or in that of the user. None if it never runs, which the plan says as well."""
    text = at_random.cron_line(chance)
    line = read(text)
    window = chance.choice((None, None, 60, 1800, 40_000))
    own = chance.random() < 0.6
    schedule = Schedule(cron=text, time_zone=clock.zone if own else None, window_s=window)
    if not line.runs:
        with pytest.raises(ScheduleError):
            next_occurrence(schedule, 0)
        return None
    number = 0 if own else 3
    starts = cron_starts(line, clock)
    return Case(
        dict(variants(schedule, {clock.zone: 3}))[number], number, starts, clock, rules(chance, clock)
    )


def rules(chance: Random, clock: Wall) -> tuple[Rule, ...]:
    return at_random.rules(chance, *clock.dates) if chance.random() < 0.5 else ()


def made_up(chance: Random, clock: Wall, number: int) -> Iterator[Case]:
    while number:
        case = tier(chance, clock) if chance.random() < 0.08 else cron(chance, clock)
        if case:
            yield case
            number -= 1


def check_starts(case: Case, lo: int, hi: int) -> None:
    starts = case.starts[(case.starts >= lo) & (case.starts < hi)] * 60
    found = np.array(occurrences(case.schedule, lo * 60, hi * 60), dtype=np.int64)
    if not np.array_equal(found, starts):
        extra, lacking = shown(np.setdiff1d(found, starts)), shown(np.setdiff1d(starts, found))
        pytest.fail(f"{case.schedule}: only the plan has {extra}, only the oracle has {lacking}")


def shown(instants_s: Minutes) -> list[str]:
    return [f"{datetime.fromtimestamp(at, UTC)}" for at in instants_s[:5].tolist()]


def check_neighbours(case: Case, chance: Random, lo: int, hi: int) -> None:
    starts = case.starts * 60
    near = (
        [int(chance.choice(starts)) + chance.randint(-1, 1) for _ in range(INSTANTS // 2)]
        if len(starts)
        else []
    )
    for at in (*near, *(chance.randrange(lo * 60, hi * 60) for _ in range(INSTANTS // 2))):
        place = int(np.searchsorted(starts, at, side="right"))
        if lo * 60 <= at and place:
            assert previous_occurrence(case.schedule, at) == starts[place - 1], (case.schedule, at)
        if lo * 60 <= at and place < len(starts):
            assert next_occurrence(case.schedule, at) == starts[place], (case.schedule, at)


def check_windows(case: Case) -> None:
    """The shortest gap holds in the years for which the plan reckons it; no window runs into the next."""
    lo, hi = span_minutes(2024, 4)
    starts = case.starts[(case.starts >= lo) & (case.starts < hi)] * 60
    if len(starts) > 1:
        shortest = int(np.diff(starts).min())
        assert window_s(case.schedule) <= shortest_gap_s(case.schedule) <= shortest, case.schedule


def check_dues(case: Case, chance: Random, lo: int, hi: int) -> None:
    """A few starts in a row and their dues, asked for in pieces."""
    length_ms = window_s(case.schedule) * 1000
    starts = case.starts[(case.starts >= lo) & (case.starts * 60_000 + length_ms < hi * 60_000)]
    if len(starts) < 8:
        return
    closed = excluded(case.rules, case.clock)
    edges = np.flatnonzero(np.diff(closed[starts - case.clock.first]))
    segment = Segment("report", 1, case.schedule, variant=case.variant, exclude=exclusions(case.rules))
    for _ in range(DUES):
        near = (
            int(chance.choice(edges))
            if len(edges) and chance.random() < 0.7
            else chance.randrange(len(starts))
        )
        place = max(0, min(near - chance.randint(0, 6), len(starts) - 8))
        some = starts[place : place + 8].tolist()
        ends = [chance.randrange(some[0] * 60_000, some[-1] * 60_000 + length_ms) for _ in range(3)]
        for offset in (0, length_ms - 1, chance.randrange(length_ms)):
            ranges = [
                one
                for after, until in pairwise(sorted(ends))
                for one in due([segment], after, until, after)
                if one.offset_lo_ms <= offset <= one.offset_hi_ms
            ]
            inside = [one for one in some if min(ends) < one * 60_000 + offset <= max(ends)]
            left_out = [one for one in inside if closed[one + offset // 60_000 - case.clock.first]]
            assert {one.variant for one in ranges} <= {case.variant}
            assert not any(one.missed or one.overdue for one in ranges)
            assert sum(one.excluded for one in ranges) == len(left_out), (case, ends, offset)
            found = {one.occurrence_s // 60: one.life_ms // 60_000 for one in ranges if not one.excluded}
            assert list(found) == [one for one in inside if one not in left_out], (case, ends, offset)
            for start, life in found.items():
                following = starts[starts.searchsorted(start) + 1 :][:5_000]
                open_ones = following[~closed[following + offset // 60_000 - case.clock.first]]
                assert not len(open_ones) or life == open_ones[0] - start, (case, ends, offset)


def exclusions(rules: Iterable[Rule]) -> tuple[Exclusion, ...]:
    week = tuple(Weekday)
    return tuple(
        Exclusion(
            weekdays=tuple(week[day - 1] for day in sorted(rule.weekdays)),
            dates=rule.dates,
            daily_s=rule.daily and (rule.daily[0] * 60, rule.daily[1] * 60),
        )
        for rule in rules
    )


@pytest.mark.parametrize(
    ("zone", "year"), [pytest.param(*one, id=one[0]) for one in ZONES if FUZZ or one[0] in QUICK]
)
def test_oracle_agrees(zone: str, year: int | None) -> None:
    seed = Random().randrange(1 << 32) if FUZZ else 16
    print(f"seed {seed}")
    chance = Random(f"{zone} {seed}")
    years = YEARS if FUZZ else QUICK_YEARS
    earliest, latest = (max(2011, year - years + 1), year) if year else (2011, 2023)
    lo, hi = span_minutes(chance.randint(earliest, latest), years)
    clock = wall(at_random.zone(chance) if zone.startswith("any-") else zone, lo, hi)
    cases = list(made_up(chance, clock, -(-FUZZ // len(ZONES)) or QUICK_CASES))
    for start in range(lo, hi, STRETCH_S // 60):
        for case in cases:
            check_starts(case, start, min(hi, start + STRETCH_S // 60))
    for case in cases:
        check_neighbours(case, chance, lo, hi)
        check_windows(case)
        check_dues(case, chance, lo, hi)
