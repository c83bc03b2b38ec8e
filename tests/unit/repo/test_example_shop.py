"""examples/shop is the load everything is shown with, so its numbers are promises too."""

import asyncio
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from itertools import accumulate
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from taskqueue.dev.example_api.arrivals import Arrivals
from taskqueue.dev.example_api.connection import Connection
from taskqueue.handlers import http_request
from taskqueue.handlers.registry import default_registry, load_modules
from taskqueue.models.duration import parse_whole_s
from taskqueue.models.manifest import parse
from taskqueue.models.values import (
    CatchUp,
    ConcurrencyPolicy,
    Limit,
    Priority,
    Schedule,
    TaskType,
    UserSubscription,
)
from taskqueue.plan.schedule import occurrences, shortest_gap_s, window_s
from taskqueue.testing import Result, run_handler_async

pytestmark = pytest.mark.slow

SHOP = Path(__file__).parents[3] / "examples" / "shop"
R = 100
GCRA_SLACK = 1.015  # the limiter starts R / 1.015 a second
DAY_S = 86_400


def load_make_users() -> ModuleType:
    spec = spec_from_file_location("make_users", SHOP / "make_users.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules["make_users"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


make_users = load_make_users()


@pytest.fixture(scope="module")
def types() -> dict[str, TaskType]:
    found = [
        parse(document)
        for path in sorted(SHOP.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
    ]
    declared = [each for each in found if isinstance(each, TaskType)]
    named = {each.name: each for each in declared}
    assert len(named) == len(declared), "a name is taken twice"
    assert {each.name for each in found if isinstance(each, Limit)} == {
        name for each in declared for name in each.limits
    }
    return named


@pytest.fixture(scope="module")
def users() -> list[dict[str, Any]]:
    return list(make_users.make_users(10_000, make_users.read_types()))


def schedule_of(each: TaskType, zone: str, interval: str | None) -> Schedule:
    """Return the schedule of a task by the zone of its user and the interval that it chooses."""
    if interval:
        return replace(each.schedule, interval_s=parse_whole_s(interval))
    if each.schedule.cron and not each.schedule.time_zone:
        return replace(each.schedule, time_zone=zone)
    return each.schedule


@pytest.fixture(scope="module")
def counts(types: dict[str, TaskType], users: list[dict[str, Any]]) -> "Counter[tuple[str, Schedule]]":
    """The tasks that are not suspended, by type and schedule."""
    groups = Counter(
        (task["type"], user["spec"]["timeZone"], task.get("interval"))
        for user in users
        for task in user["spec"]["tasks"]
        if not task.get("suspend")
    )
    found: Counter[tuple[str, Schedule]] = Counter()
    for (name, zone, interval), count in groups.items():
        found[name, schedule_of(types[name], zone, interval)] += count
    return found


# --- the types ---


def test_there_are_270_types_of_every_sort(types: dict[str, TaskType]) -> None:
    intervals = Counter(each.schedule.interval_s for each in types.values() if each.schedule.interval_s)
    crons = [each for each in types.values() if each.schedule.cron]
    assert len(types) == 270
    assert len(intervals) >= 13
    assert intervals[30] <= 3
    assert min(intervals) == 30
    assert len(crons) == 32
    assert len({each.schedule.time_zone for each in crons}) >= 6
    assert sum(bool(each.schedule.intervals_s) for each in types.values()) == 2
    assert {each.cost for each in types.values()} == {1, 2, 3, 4, 5}
    assert {each.priority for each in types.values()} == set(Priority)
    assert {each.concurrency_policy for each in types.values()} == set(ConcurrencyPolicy)
    assert {each.catch_up for each in types.values()} == set(CatchUp)
    assert sum(each.rate_limit.per_second is not None for each in types.values()) >= 10
    assert sum(bool(each.limits) for each in types.values()) >= 2


def test_the_nightly_reports_run_between_two_and_four(types: dict[str, TaskType]) -> None:
    assert types["report-sales-nightly"].schedule == Schedule(cron="0 2 * * *", window_s=7200)


def test_no_type_is_a_copy_for_another_zone(types: dict[str, TaskType]) -> None:
    zones = {each.schedule.time_zone for name, each in types.items() if name.startswith("report-")}
    assert zones == {None, "UTC"}


def test_no_window_is_longer_than_the_shortest_gap(types: dict[str, TaskType]) -> None:
    for each in types.values():
        assert window_s(each.schedule) <= shortest_gap_s(each.schedule), each.name


def requests_of(each: TaskType) -> int:
    return int(each.params.get("requests", 1))


def test_a_type_under_one_limit_makes_as_many_requests_as_its_cost(types: dict[str, TaskType]) -> None:
    for each in types.values():
        is_under_several = bool(each.limits) or each.rate_limit.per_second is not None
        assert each.cost == (1 if is_under_several else requests_of(each)), each.name
        if each.http:
            assert each.cost == 1, each.name
            http_request.check(each.http)


def test_no_description_of_a_file_is_missing() -> None:
    for path in SHOP.glob("*.yaml"):
        text = path.read_text()
        assert text.startswith("# "), path.name
        assert text.count("\n# ") >= text.count("\nkind: TaskType"), path.name


def test_one_file_can_hold_types_and_users_alike() -> None:
    documents = yaml.safe_load_all((SHOP.parent / "single-file" / "tasks.yaml").read_text())
    found = Counter(type(parse(document)) for document in documents)
    assert found == {TaskType: 100, Limit: 1, UserSubscription: 3}


# --- the users ---


def test_the_demand_of_ten_thousand_users_just_fits(
    types: dict[str, TaskType], users: list[dict[str, Any]]
) -> None:
    tasks = make_users.active_tasks(users)
    assert 75 <= make_users.demand(tasks, make_users.read_types()) <= 85
    assert {name for name, _ in tasks} == set(types)
    assert {interval for _, interval in tasks} == {None, "1m"}
    assert {len(user["spec"]["tasks"]) for user in users} == {*range(5, 10), *range(10, 19), *range(20, 31)}


@pytest.mark.parametrize("day", ["2026-06-01", "2026-06-03", "2026-03-29", "2026-10-25", "2027-02-01"])
def test_the_busiest_second_of_a_day_stays_below_the_limit(
    day: str, types: dict[str, TaskType], counts: "Counter[tuple[str, Schedule]]"
) -> None:
    # A Monday the 1st, any Wednesday, both changes of the clocks, a Monday the 1st in winter.
    start_s = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
    change = [0.0] * (DAY_S + 1)
    for (name, schedule), count in counts.items():
        window = window_s(schedule)
        for at_s in occurrences(schedule, start_s - DAY_S, start_s + DAY_S):
            lo = min(max(at_s - start_s, 0), DAY_S)
            hi = min(max(at_s + window - start_s, 0), DAY_S)
            change[lo] += count * types[name].cost / window
            change[hi] -= count * types[name].cost / window
    # One start a second and class may come on top of the mean; R leaves room for them.
    assert max(accumulate(change[:DAY_S])) < 0.9 * R / GCRA_SLACK


def test_no_type_asks_for_more_than_its_own_limit(
    types: dict[str, TaskType], counts: "Counter[tuple[str, Schedule]]"
) -> None:
    asked = defaultdict[str, float](float)
    for (name, schedule), count in counts.items():
        asked[name] += count * types[name].cost / window_s(schedule)
    for each in types.values():
        limit = each.rate_limit.per_second
        if limit is not None:
            assert asked[each.name] <= limit / 1.1, each.name


@pytest.mark.parametrize(
    ("cron", "runs"),
    [
        ("0 0 * * *", 365),
        ("*/15 6-21 * * 1-6", 64 * 313),
        ("0 3 1 * *", 12),
        ("0 2 2 1 *", 1),
        ("0 10 * * 2,4", 105),
    ],
)
def test_runs_in_a_year_are_counted(cron: str, runs: int) -> None:
    assert make_users.runs_in_a_year(cron) == runs


def test_customers_take_office_hours_only_of_their_own_time_zone(
    types: dict[str, TaskType], users: list[dict[str, Any]]
) -> None:
    for user in users:
        zones = {types[task["type"]].schedule.time_zone for task in user["spec"]["tasks"]}
        assert zones <= {None, "UTC", user["spec"]["timeZone"]}, user
    assert {user["spec"]["timeZone"] for user in users} == set(make_users.ZONES)


def test_large_customers_choose_the_shortest_interval(
    types: dict[str, TaskType], users: list[dict[str, Any]]
) -> None:
    for user in users:
        tasks = user["spec"]["tasks"]
        offered = [task for task in tasks if types[task["type"]].schedule.intervals_s]
        assert {task.get("interval") for task in offered} <= {"1m" if len(tasks) >= 20 else None}


def test_a_thousand_users_are_the_first_of_ten_thousand(users: list[dict[str, Any]]) -> None:
    kinds = make_users.read_types()
    assert list(make_users.make_users(1_000, kinds)) == users[:1_000]
    assert [user["metadata"]["name"] for user in users[:2]] == ["u-00001", "u-00002"]


def test_every_user_is_a_good_manifest(users: list[dict[str, Any]]) -> None:
    for user in users[:500]:
        assert isinstance(parse(user), UserSubscription)


def test_both_formats_say_the_same_about_few_megabytes(users: list[dict[str, Any]]) -> None:
    ndjson, text = io.StringIO(), io.StringIO()
    make_users.write(users, "ndjson", ndjson)
    make_users.write(users[:300], "yaml", text)
    lines = ndjson.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == users
    assert list(yaml.safe_load_all(text.getvalue())) == users[:300]
    assert len(ndjson.getvalue()) < 8_000_000


def test_the_dice_are_splitmix64_and_so_the_same_everywhere() -> None:
    dice = make_users.Dice(1_234_567)
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [dice.below(2**64) for _ in published] == published


def test_the_command_writes_equal_bytes_for_any_hash_seed(tmp_path: Path) -> None:
    outs = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        command = [sys.executable, str(SHOP / "make_users.py"), "--users", "50", "--out", str(out)]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        assert re.fullmatch(r"50 users, \d+ active tasks of \d+ types: .* starts/s, .*\n", done.stderr)
        outs.append(out.read_bytes())
    assert outs[0] == outs[1]
    assert outs[0].count(b"\n") == 50


# --- the handlers ---


@pytest.fixture
async def ledger(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Arrivals]:
    """A running example API, and the handlers told where it is."""
    arrivals = Arrivals(1000)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(arrivals), "127.0.0.1", 0)
    monkeypatch.setenv("SHOP_API_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    load_modules([str(SHOP / "handlers.py")])
    yield arrivals
    fetch = default_registry.get("shop.fetch")
    assert fetch
    await sys.modules[fetch.__module__].close()
    server.close()


def run(each: TaskType, permits: Callable[[int], Any] | None = None) -> Any:
    function = default_registry.get(each.function or "")
    assert function, each.function
    return partial(
        run_handler_async, function, type=each.name, user="u-00042", params=each.params, permits=permits
    )()


async def test_each_type_with_a_function_calls_the_api_once_per_permit(
    ledger: Arrivals, types: dict[str, TaskType]
) -> None:
    for each in types.values():
        if each.function:
            result: Result = await run(each)
            assert result.outcome == "done", result
            assert result.permits == (1,) * (requests_of(each) - 1)
    stats = json.loads(ledger.stats())
    requests = {name: requests_of(each) for name, each in types.items() if each.function}
    assert {name: seen["requests"] for name, seen in stats["per_key"].items()} == requests
    wall_us, kind, user, occurrence, attempt, path = json.loads(ledger.lines(0).splitlines()[0])
    assert abs(wall_us / 1e6 - occurrence) < 60
    assert (kind in types, user, attempt, path[:4]) == (True, "u-00042", 1, "/v1/")


async def test_a_job_waits_for_its_permit_before_each_further_request(
    ledger: Arrivals, types: dict[str, TaskType]
) -> None:
    seen = []

    async def permit(cost: int) -> None:
        seen.append(json.loads(ledger.stats())["requests"])

    await run(types["products-fetch-full"], permit)
    assert seen == [1, 2, 3, 4]


async def test_an_api_refusal_closes_the_limit_for_its_duration(
    ledger: Arrivals, types: dict[str, TaskType]
) -> None:
    ledger.rate = 1
    assert (await run(types["orders-fetch-new"])).outcome == "done"
    result: Result = await run(types["orders-fetch-new"])
    assert (result.outcome, result.delay_s) == ("limited", 1.0)
