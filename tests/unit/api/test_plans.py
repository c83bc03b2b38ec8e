"""Plans of days: many requests at once cost one reading of the store and one reckoning of each day, one at a time."""

import asyncio
import time

import pytest

from taskqueue.models.values import Subscription, UserSubscription
from taskqueue.store.connection import Store
from taskqueue.store.history import count
from taskqueue.store.users import set_users
from taskqueue.views.demands import Plan, read_plan
from taskqueue.views.plan import PlanDay, plan_day
from taskqueue_api.console import plan_curve
from taskqueue_api.live import plans
from tests.support.api.app import running_app
from tests.support.api.seeded import seed

URL = "/v1/plan?day=2026-11-{}"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The readings and reckonings that were begun, and `at once` where one began during another."""
    begun: list[str] = []
    running: list[int] = []

    async def counted(store: Store) -> Plan:
        begun.append("read")
        return await read_plan(store)

    def reckoned(plan: Plan, day_s: int) -> PlanDay:
        begun.append("at once" if running else "reckoned")
        running.append(day_s)
        time.sleep(0.005)  # without the lock of the interpreter: others could begin
        found = plan_day(plan, day_s)
        running.pop()
        return found

    monkeypatch.setattr(plans, "read_plan", counted)
    monkeypatch.setattr(plans, "plan_day", reckoned)
    return begun


async def test_equal_requests_share_one_plan(store: Store, calls: list[str]) -> None:
    await seed(store)
    async with running_app(store) as app:
        answers = await asyncio.gather(*(app.get(URL.format(24)) for _ in range(50)))
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1
        assert calls.count("read") < 25, "those that ask during a reading share it"
        await app.get(URL.format(24))
        assert calls[-1] == "read"
        assert set(calls) == {"read", "reckoned"}
        assert calls.count("reckoned") == 1, "the demands are the same"


async def test_different_days_are_reckoned_one_at_a_time(store: Store, calls: list[str]) -> None:
    await seed(store)
    async with running_app(store) as app:
        await asyncio.gather(*(app.get(URL.format(day)) for day in range(10, 20)))
        assert set(calls) == {"read", "reckoned"}
        assert calls.count("reckoned") == 10


async def test_a_plan_is_that_of_the_store_at_once(store: Store) -> None:
    await seed(store)
    async with running_app(store) as app:
        before = (await app.get(URL.format(24))).problem["types"]
        await set_users(store, "client", [UserSubscription("u-2", (Subscription("fetch-orders", {}),))])
        after = (await app.get(URL.format(24))).problem["types"]
    assert [row["subscriptions"] for row in after] == [row["subscriptions"] + 1 for row in before[:1]] + [0]


@pytest.mark.parametrize(("after_s", "shown"), [(60, 2), (plan_curve._COMPLETE_S, 1)])
async def test_an_hour_is_kept_once_its_counts_are_complete(store: Store, after_s: int, shown: int) -> None:
    """A worker flushes the last counts of an hour after its end."""
    await seed(store)
    hour = int(time.time()) // 3_600
    async with running_app(store) as app:
        catalog = (await app.parts.reader.newest()).catalog

        async def starts() -> int:
            now_s = (hour + 1) * 3_600 + after_s
            found = await plan_curve._read_actual(app.parts, catalog, "global", hour, now_s)
            return round(sum(found) * plan_curve.STEP_S)

        await count(store, "w", 1, [("fetch-orders", hour * 60 + 59, [1, 1])])
        assert await starts() == 1
        await count(store, "w", 2, [("fetch-orders", hour * 60 + 59, [1, 1])])
        app.parts.reader.readings.expire()
        assert await starts() == shown
