"""100,000 subscriptions of 300 types, 40 zones, three intervals a type and exclusions: how even is each second?

A class is even to the letter: ceil(N / W) places in its fullest second. All together stay within max(1.06 x mean, mean
+ 4 x sqrt(mean)) starts, with the mean of an even flow of the windows that are open in that second.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from taskqueue.models.time_zone import time_zone_names
from taskqueue.models.values import Exclusion, Schedule, Weekday
from taskqueue.plan.exclude import excluded_spans
from taskqueue.plan.schedule import occurrences
from taskqueue.plan.spread import SpreadClass, spread_classes
from taskqueue.plan.variants import variants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

USERS, TASKS, ZONES = 10_000, 10, 40
HOUR_S, DAY_S = 3_600, 86_400
#: A Thursday; a Sunday on which clocks in Europe go forward; a Saturday.
DAYS = {"a Thursday": 1_798_675_200, "clocks go forward": 1_806_192_000, "a Saturday": 1_798_848_000}
WEEKENDS = Exclusion(weekdays=(Weekday.SAT, Weekday.SUN))
NIGHTS = Exclusion(daily_s=(22 * HOUR_S, 6 * HOUR_S))

#: A type: its schedule and its exclusions. A place in time: the same for a class and one of its variants.
Type = tuple[Schedule, tuple[Exclusion, ...]]
Placed = tuple[SpreadClass, Schedule, tuple[Exclusion, ...]]


def some_types(chance: random.Random) -> list[Type]:
    """Return 300 types: a third in three intervals, a third nightly, a third at other times."""
    made: list[Type] = []
    for number in range(100):
        own_s = chance.choice([300, 600, 900, HOUR_S])
        made.append(
            (Schedule(interval_s=own_s, intervals_s=(60, 2 * HOUR_S)), (NIGHTS,) if number < 20 else ())
        )
        line = f"{chance.choice([0, 15, 30])} {chance.randrange(6)} * * *"
        made.append((Schedule(cron=line, window_s=2 * HOUR_S), (WEEKENDS,) if number < 30 else ()))
        other = chance.choice(["0 */6 * * *", "30 22 * * *", "0 9 * * MON-FRI"])
        made.append((Schedule(cron=other), ()))
    return made


def placed(chance: random.Random) -> tuple[Counter[SpreadClass], Mapping[Placed, Sequence[int]]]:
    """Deal all subscriptions, user after user; return how many each class has, and their seconds in the window."""
    types = some_types(chance)
    zones = chance.sample(sorted(name for name in time_zone_names() if "/" in name), ZONES)
    numbers = {name: number for number, name in enumerate([*zones, "60", str(2 * HOUR_S)], 1)}
    resolved = {schedule: dict(variants(schedule, numbers)) for schedule, _ in types}
    dealt, seconds = Counter[SpreadClass](), defaultdict[Placed, list[int]](list)
    for _ in range(USERS):
        zone = chance.choice(zones)
        for schedule, exclude in chance.sample(types, TASKS):
            family, variant = chance.choice(spread_classes(schedule)), 0
            if family.interval_s:
                variant = numbers[str(family.interval_s)]
            elif schedule.cron:
                variant = numbers[zone]
            place_ms = family.offset_ms(dealt[family])
            dealt[family] += 1
            seconds[family, resolved[schedule][variant], exclude].append(place_ms // 1000)
    return dealt, seconds


def starts_of_day(seconds: Mapping[Placed, Sequence[int]], day_s: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the starts in each second of a day, and the mean of an even flow there."""
    starts, mean = np.zeros(DAY_S, int), np.zeros(DAY_S)
    for (family, schedule, exclude), found in seconds.items():
        window, own = family.window_s, np.zeros(DAY_S, int)
        counts, flow = np.bincount(found, minlength=window), np.zeros(DAY_S)
        for start_s in occurrences(schedule, day_s - window + 1, day_s + DAY_S):
            lo, hi = max(0, start_s - day_s), min(DAY_S, start_s - day_s + window)
            own[lo:hi] += counts[lo + day_s - start_s : hi + day_s - start_s]
            flow[lo:hi] += len(found) / window
        zone = schedule.time_zone or "UTC"
        for lo_ms, hi_ms in (
            excluded_spans(exclude, zone, day_s * 1000, (day_s + DAY_S) * 1000) if exclude else ()
        ):
            span = slice(lo_ms // 1000 - day_s, hi_ms // 1000 - day_s)
            own[span], flow[span] = 0, 0
        starts += own
        mean += flow
    return starts, mean


@pytest.fixture(scope="module")
def release() -> tuple[Counter[SpreadClass], Mapping[Placed, Sequence[int]]]:
    return placed(random.Random(16))


def test_a_class_is_even_to_the_letter(
    release: tuple[Counter[SpreadClass], Mapping[Placed, Sequence[int]]],
) -> None:
    dealt, seconds = release
    counts = {family: np.zeros(family.window_s, int) for family in dealt}
    for (family, *_), found in seconds.items():
        counts[family] += np.bincount(found, minlength=family.window_s)
    assert sum(dealt.values()) == USERS * TASKS
    assert {family.name: count.max() for family, count in counts.items()} == {
        family.name: ceil(number / family.window_s) for family, number in dealt.items()
    }


@pytest.mark.parametrize("day", DAYS)
def test_no_second_of_a_day_is_crowded(
    release: tuple[Counter[SpreadClass], Mapping[Placed, Sequence[int]]], day: str
) -> None:
    starts, mean = starts_of_day(release[1], DAYS[day])
    bound = np.maximum(1.06 * mean, mean + 4 * np.sqrt(mean))
    assert mean.min() > 50
    assert np.all(starts <= bound), (starts.max(), mean[starts.argmax()])
