"""Make the shop's users, each with a subscription to some of the types in this folder.

    python examples/shop/make_users.py --users 10000 --format ndjson --out users.ndjson

User n is made from n and the type files alone, by integer arithmetic of this file's own: the same on every
machine and Python, and 1,000 users are the first 1,000 of 10,000. The intended load is one that an API of 100
requests a second can just carry: about 80 starts/s, each weighted with its cost, for 10,000 users. It follows
from PLANS and the types, is computed by `demand` and printed at the end:

    sum over all tasks of cost * (1 / their interval, or runs of the cron expression in 2026 / seconds of 2026)

tests/unit/repo/test_example_shop.py holds it between 75 and 85, and the busiest minute of a day below the limit.
"""

import argparse
import json
import re
import sys
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, TextIO

import yaml

from taskqueue.models.values import Schedule
from taskqueue.plan.schedule import occurrences

TYPES = Path(__file__).parent
UNIT_S = {"h": 3600, "m": 60, "s": 1}
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
YEAR_S = 365 * 86_400

# Where customers live, in percent. A type with a time zone is only for those who live there, UTC is for all; one with
# cron and no zone runs in the customer's.
ZONES = {
    "Europe/Berlin": 44, "Europe/London": 18, "America/New_York": 14, "America/Chicago": 6,
    "America/Los_Angeles": 7, "Asia/Tokyo": 6, "Australia/Sydney": 5,
}  # fmt: skip
# What a customer adds to a type's params, in percent; the rest adds nothing.
PARAMS: tuple[tuple[int, dict[str, Any]], ...] = (
    (10, {"store": "main"}),
    (7, {"store": "outlet"}),
    (4, {"locale": "de"}),
    (4, {"locale": "fr"}),
)
SUSPENDED_PERCENT = 1
SPREAD_SEEDS = 0xD1342543DE82EF95  # odd, so that no two users share a seed modulo 2**64


@dataclass(frozen=True, slots=True)
class Plan:
    """A subscription plan: how many tasks a customer has, and how fresh they may be.

    fast: how much likelier than other types one with an interval of at most so many seconds is, in percent;
    the first bound that holds counts.   shortest: whether they choose the shortest interval that a type offers.
    """

    percent: int
    tasks_min: int
    tasks_max: int
    fast: tuple[tuple[int, int], ...]
    shortest: bool = False


PLANS = {
    "small": Plan(62, 5, 9, ((120, 0), (300, 120), (600, 150))),
    "medium": Plan(30, 10, 18, ((60, 0), (120, 50), (300, 140), (600, 150))),
    "large": Plan(8, 20, 30, ((30, 25), (60, 60), (120, 90), (300, 150), (600, 150)), shortest=True),
}
NIGHTLY_PERCENT = 600  # what a type for the customer's own office hours or nights counts


@dataclass(frozen=True, slots=True)
class Kind:
    """The part of a type file that matters here. rate: runs per second, on average.

    zone: of the type; None for the customer's.   shortest: the shortest interval that a task may choose, as written.
    """

    name: str
    cost: int
    rate: float
    interval_s: int | None
    zone: str | None
    shortest: str | None = None


def read_types(folder: Path = TYPES) -> list[Kind]:
    """Read all types of a folder, sorted by name: adding a file must not change the order of other types."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = (doc for path in folder.glob("*.yaml") for doc in yaml.load_all(path.read_text(), loader))
    types = (document for document in documents if document["kind"] == "TaskType")
    return sorted(map(kind, types), key=lambda each: each.name)


def kind(document: dict[str, Any]) -> Kind:
    spec = document["spec"]
    schedule = spec["schedule"]
    interval_s = seconds(schedule["interval"]) if "interval" in schedule else None
    rate = 1 / interval_s if interval_s else runs_in_a_year(schedule["cron"]) / YEAR_S
    shortest = min(schedule.get("intervals", ()), key=seconds, default=None)
    zone = schedule.get("timeZone")
    return Kind(document["metadata"]["name"], spec.get("cost", 1), rate, interval_s, zone, shortest)


def seconds(duration: str) -> int:
    """Read a duration such as 1h30m."""
    return sum(int(number) * UNIT_S[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


def runs_in_a_year(cron: str) -> int:
    """Count the runs of 2026: runs per day times days. A time zone hardly changes their number."""
    minute, hour, days = cron.split(maxsplit=2)
    return runs(f"{minute} {hour} * * *", 1) * runs(f"0 0 {days}", 365)


@cache
def runs(cron: str, days: int) -> int:
    """Count the runs in the first days of 2026."""
    until = YEAR + timedelta(days=days)
    return len(occurrences(Schedule(cron=cron), int(YEAR.timestamp()), int(until.timestamp())))


class Dice:
    """Numbers that look random: splitmix64 (Steele, Lea, Flood 2014)."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, bound: int) -> int:
        """Return a number in [0, bound)."""
        self._state = state = (self._state + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        return (state ^ state >> 31) * bound >> 64

    def pick(self, weights: Iterable[int]) -> int:
        """Return the number of a weight, likelier the larger it is; one past the last for the rest of 100."""
        drawn = self.below(100)
        return bisect(list(accumulate(weights)), drawn)


def weight(each: Kind, plan: Plan, zone: str) -> int:
    """Return how likely a customer takes a type, in percent of the usual likelihood."""
    if each.interval_s is None:
        return NIGHTLY_PERCENT if each.zone in (None, zone) else 50 if each.zone == "UTC" else 0
    return next((percent for bound_s, percent in plan.fast if each.interval_s <= bound_s), 100)


def make_users(count: int, kinds: list[Kind]) -> Iterator[dict[str, Any]]:
    """Make the UserSubscriptions of users 1 to `count`."""
    plans, zones = tuple(PLANS.values()), tuple(ZONES)
    plan_percents = [plan.percent for plan in plans]
    tables = {
        (p, z): list(accumulate(weight(each, plan, zone) for each in kinds))
        for p, plan in enumerate(plans)
        for z, zone in enumerate(zones)
    }
    for number in range(1, count + 1):
        dice = Dice(number * SPREAD_SEEDS)
        p = dice.pick(plan_percents)
        z = dice.pick(ZONES.values())
        table = tables[p, z]
        wanted = plans[p].tasks_min + dice.below(plans[p].tasks_max - plans[p].tasks_min + 1)
        chosen: set[int] = set()
        while len(chosen) < wanted:
            chosen.add(bisect(table, dice.below(table[-1])))
        tasks = [task(kinds[index], plans[p], dice) for index in sorted(chosen)]
        yield {
            "apiVersion": "taskqueue.dev/v1alpha1",
            "kind": "UserSubscription",
            "metadata": {"name": f"u-{number:05}"},
            "spec": {"timeZone": zones[z], "tasks": tasks},
        }


def task(each: Kind, plan: Plan, dice: Dice) -> dict[str, Any]:
    made: dict[str, Any] = {"type": each.name}
    if plan.shortest and each.shortest:
        made["interval"] = each.shortest
    added = dice.pick(percent for percent, _ in PARAMS)
    if added < len(PARAMS):
        made["params"] = PARAMS[added][1]
    if dice.below(100) < SUSPENDED_PERCENT:
        made["suspend"] = True
    return made


def active_tasks(users: Iterable[dict[str, Any]]) -> Counter[tuple[str, str | None]]:
    """Count the tasks that are not suspended, by type and chosen interval."""
    return Counter(
        (each["type"], each.get("interval"))
        for user in users
        for each in user["spec"]["tasks"]
        if not each.get("suspend")
    )


def demand(tasks: Counter[tuple[str, str | None]], kinds: list[Kind]) -> float:
    """Compute the mean starts per second, weighted with cost."""
    by_name = {each.name: each for each in kinds}
    return sum(
        count * by_name[name].cost * (1 / seconds(interval) if interval else by_name[name].rate)
        for (name, interval), count in tasks.items()
    )


def write(users: Iterable[dict[str, Any]], style: str, out: TextIO) -> None:
    """Write one user a line (ndjson), or one a document (yaml, with each task as a line of JSON in it)."""
    for user in users:
        if style == "ndjson":
            out.write(json.dumps(user, separators=(",", ":")) + "\n")
            continue
        out.write(f"---\napiVersion: {user['apiVersion']}\nkind: {user['kind']}\n")
        out.write(f"metadata: {{name: {user['metadata']['name']}}}\n")
        out.write(f"spec:\n  timeZone: {user['spec']['timeZone']}\n  tasks:\n")
        out.writelines(f"    - {json.dumps(each)}\n" for each in user["spec"]["tasks"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--users", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument(
        "--format", choices=("ndjson", "yaml"), default="ndjson", help="(default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    options = parser.parse_args()
    kinds = read_types()
    users = list(make_users(options.users, kinds))
    with options.out.open("w", encoding="utf-8") as out:
        write(users, options.format, out)
    tasks = active_tasks(users)
    print(
        f"{len(users)} users, {tasks.total()} active tasks of {len({name for name, _ in tasks})} types:"
        f" {demand(tasks, kinds):.1f} starts/s, weighted with cost",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
