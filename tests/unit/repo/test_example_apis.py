"""examples/apis shows limits by name, so its types, users and handlers agree about them."""

import asyncio
import json
import math
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from taskqueue.cli.plan import plan_of_path
from taskqueue.dev.example_api.arrivals import Arrivals
from taskqueue.dev.example_api.connection import Connection
from taskqueue.handlers.registry import default_registry, load_modules
from taskqueue.models.limit_tree import path_of
from taskqueue.models.manifest import parse
from taskqueue.models.values import LimitKey, TaskType, UserSubscription
from taskqueue.plan.feasibility import check
from taskqueue.plan.verdict import Fit
from taskqueue.sources.desired import Desired
from taskqueue.sources.folder import load
from taskqueue.testing import Result, run_handler_async

pytestmark = pytest.mark.slow

APIS = Path(__file__).parents[3] / "examples" / "apis"


def load_make_users() -> ModuleType:
    spec = spec_from_file_location("make_users_of_apis", APIS / "make_users.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


make_users = load_make_users()


@pytest.fixture(scope="module")
def desired() -> Desired:
    return load(APIS)


@pytest.fixture(scope="module")
def users() -> list[dict[str, Any]]:
    return list(make_users.make_users(2_000, make_users.read_types()))


# --- limits and types ---


def test_there_are_four_apis_and_60_types(desired: Desired) -> None:
    assert (desired.faults, desired.unresolved_limits, dict(desired.advice())) == ((), (), {})
    assert Counter(name.split("-")[0] for name in desired.types) == {
        "orders": 14, "products": 14, "shop": 14, "app": 4, "amazon": 4, "warehouse": 10,
    }  # fmt: skip
    limits = {
        name: (one.key, round(one.per_second, 4), one.burst, one.within)
        for name, one in desired.limits.items()
    }
    assert limits == {
        "shopify-app": (LimitKey.RELEASE, 100, 1, None),
        "shopify-orders": (LimitKey.RELEASE, 40, 1, "shopify-app"),
        "shopify-products": (LimitKey.RELEASE, 35, 1, "shopify-app"),
        "shopify-shop": (LimitKey.USER, 2, 40, "shopify-app"),
        "amazon-reports": (LimitKey.RELEASE, 0.0167, 1, None),
    }


def test_types_of_the_warehouse_alone_have_no_limit(desired: Desired) -> None:
    without = {name for name, one in desired.types.items() if not path_of(one.limits, desired.limits).release}
    assert without == {name for name in desired.types if name.startswith("warehouse-")}


def test_some_types_make_several_requests_with_a_permit_each(desired: Desired) -> None:
    """A cost would be too much: under several limits each permit asks for slots of all of them."""
    assert {one.cost for one in desired.types.values()} == {1}
    assert {requests_of(one) for one in desired.types.values()} == {1, 5}


# --- users ---


def test_demand_leaves_room_at_each_limit(desired: Desired, users: list[dict[str, Any]]) -> None:
    demand = make_users.demand(users, make_users.read_types())
    shares = {
        name: demand[name] / one.per_second
        for name, one in desired.limits.items()
        if one.key is LimitKey.RELEASE
    }
    assert len(shares) == 4
    assert all(0.5 <= share <= 0.85 for share in shares.values()), shares
    assert 20 <= demand[""] <= 30


def test_the_plan_fits(users: list[dict[str, Any]], tmp_path: Path) -> None:
    shutil.copytree(APIS, tmp_path / "apis", ignore=shutil.ignore_patterns("users.*"))
    (tmp_path / "apis" / "users.ndjson").write_text("\n".join(map(json.dumps, users)))
    plan = plan_of_path(tmp_path / "apis")
    found = check(plan.demands, math.inf, limits=plan.limits, users=plan.users)
    assert found.fit is Fit.FITS, found


def test_no_shop_asks_for_more_than_its_bucket(desired: Desired, users: list[dict[str, Any]]) -> None:
    rates = {one.name: one.rate for one in make_users.read_types() if "shopify-shop" in one.limits}
    for user in users:
        asked = sum(rates.get(task["type"], 0) for task in user["spec"]["tasks"])
        assert asked <= 0.5 * desired.limits["shopify-shop"].per_second, user


def test_every_user_is_a_good_manifest_and_every_twentieth_a_large_shop(users: list[dict[str, Any]]) -> None:
    parsed = [parse(user) for user in users]
    assert all(isinstance(one, UserSubscription) for one in parsed)
    large = [one.user_id for one in parsed if isinstance(one, UserSubscription) and one.limits]
    assert (len(large), large[0]) == (100, "shop-0020")
    assert users[:50] == list(make_users.make_users(50, make_users.read_types()))


def test_the_command_writes_equal_bytes_for_any_hash_seed(tmp_path: Path) -> None:
    outs = []
    for seed in ("1", "2"):
        command = [
            sys.executable,
            str(APIS / "make_users.py"),
            "--users",
            "50",
            "--out",
            str(tmp_path / seed),
        ]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        assert "\n  shopify-shop " in done.stderr
        outs.append((tmp_path / seed).read_bytes())
    assert outs[0] == outs[1]
    assert outs[0].count(b"\n") == 50


# --- handlers ---


@pytest.fixture
async def ledger(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Arrivals]:
    """A running example API, and the handlers told where it is."""
    arrivals = Arrivals(1_000)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(arrivals), "127.0.0.1", 0)
    monkeypatch.setenv("TASKQUEUE_EXAMPLE_API_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    load_modules([str(APIS / "handlers.py")])
    yield arrivals
    orders = default_registry.get("shopify.orders")
    assert orders
    await sys.modules[orders.__module__].close()
    server.close()


async def run(each: TaskType) -> Result:
    function = default_registry.get(each.function or "")
    assert function, each.function
    return await run_handler_async(function, type=each.name, user="shop-0042", params=each.params)


async def test_handlers_name_the_limits_of_their_types(ledger: Arrivals, desired: Desired) -> None:
    for each in desired.types.values():
        before = limits_named(ledger)
        result = await run(each)
        assert (result.outcome, len(result.permits)) == ("done", requests_of(each) - 1)
        assert limits_named(ledger) - before == Counter(dict.fromkeys(each.limits, requests_of(each))), (
            each.name
        )


def requests_of(each: TaskType) -> int:
    return int(each.params.get("requests", 1))


def limits_named(ledger: Arrivals) -> Counter[str]:
    rows = json.loads(ledger.limits_stats() or b"")["limits"]
    return Counter({row["name"]: row["requests"] for row in rows})


async def test_a_429_closes_a_limit_for_its_retry_after(ledger: Arrivals, desired: Desired) -> None:
    ledger.rate = 1
    assert (await run(desired.types["orders-new"])).outcome == "done"
    result = await run(desired.types["orders-new"])
    assert (result.outcome, result.delay_s) == ("limited", 1.0)
