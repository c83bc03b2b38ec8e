"""Numbers on the pages equal those of the command line; the store stands still."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Locator

from taskqueue.models.rate import describe_rate
from taskqueue.store.connection import Store
from tests.console.conftest import OpenWindow
from tests.support.api.fixtures import ServeApi
from tests.support.console.busy import USER, fill
from tests.support.console.command_line import answer

MINUTE_S = 60
#: Runs a command, and returns its output.
Command = Callable[..., Awaitable[Any]]


@pytest.fixture
def command(redis_url: str, release: str) -> Command:
    return lambda *words: answer(redis_url, release, *words)


async def values_of(row: Locator) -> list[float]:
    """Return the exact values in a part of a page."""
    found: list[float] = await row.locator("data").evaluate_all(
        "(all) => all.map((one) => Number(one.value))"
    )
    return found


async def rows_of(table: Locator) -> list[list[str]]:
    """Return the cells of a table's body."""
    cells = "(all) => all.map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"
    found: list[list[str]] = await table.locator("tbody tr").evaluate_all(cells)
    return found


async def plan_of(command: Command, seconds: list[float], limit: str) -> list[float]:
    """Return the planned starts per second of the minutes that begin at these seconds."""
    planned: dict[float, float] = {}
    for day in {datetime.fromtimestamp(second, UTC).date() for second in seconds}:
        shown = await command("plan", "show", "--store", "--day", f"{day}")
        curves: Mapping[str, list[float]] = {one["limit"]: one["starts"] for one in shown["limits"]}
        midnight_s = datetime.fromisoformat(shown["dayStart"]).timestamp()
        starts = curves.get(limit, shown["starts"])
        planned |= {midnight_s + at * MINUTE_S: value / MINUTE_S for at, value in enumerate(starts)}
    return [planned[second] for second in seconds]


@pytest.mark.parametrize("limit", ["global", "app"])
async def test_drawn_plan_is_that_of_the_command_line(
    store: Store, serve: ServeApi, open_window: OpenWindow, command: Command, limit: str
) -> None:
    await fill(store)
    async with open_window((await serve(store)).url) as window:
        await window.open(f"/?limit={limit}")
        await window.settled()
        drawn = await window.page.evaluate("[...charts.values()][0].plot.data.slice(0, 2)")
    seconds, planned = drawn
    assert any(planned)
    assert planned == pytest.approx(await plan_of(command, seconds, limit), abs=1e-6)


async def test_lanes_and_totals_are_those_of_the_audit(
    store: Store, serve: ServeApi, open_window: OpenWindow, command: Command
) -> None:
    await fill(store)
    audit = await command("audit")
    async with open_window((await serve(store)).url) as window:
        await window.open("/")
        lanes = window.page.locator("section", has=window.page.locator("#lanes-title"))
        shown = {name: int(jobs.replace(",", "")) for name, _, jobs in await rows_of(lanes)}
        assert shown == audit["ready"]
        assert await values_of(lanes.locator("p")) == [audit["parked"]]
        stats = {
            name: (await values_of(window.page.locator(".stat", has_text=name)))[0]
            for name in ("Due", "In flight", "Dead")
        }
        due = sum(audit["ready"].values())
        assert stats == {"Due": due, "In flight": audit["leased"], "Dead": audit["deadLetters"]}
        counted = await rows_of(window.page.locator("section", has=window.page.locator("#audit-title")))
        assert counted
        assert all(int(value.replace(",", "")) == audit["totals"].get(name, 0) for name, value in counted)


async def test_limits_are_those_of_the_command_line(
    store: Store, serve: ServeApi, open_window: OpenWindow, command: Command
) -> None:
    await fill(store)
    listed = await command("limit", "list")
    async with open_window((await serve(store)).url) as window:
        await window.open("/limits")
        rows = await rows_of(window.page.locator("#limits-table"))
        shown = [(row[0], row[1], int(row[5].replace(",", ""))) for row in rows]
        assert shown == [(one["limit"], describe_rate(one["perSecond"]), one["waiting"]) for one in listed]
        assert {row[0]: row[6].split()[0] for row in rows} == {
            "global": "open",
            "app": "closed",
            "shop": "open",
        }
        for one in listed:
            await window.open(f"/limits/{one['limit']}")
            facts = await window.page.locator(".stats").inner_text()
            assert describe_rate(one["perSecond"]) in facts
            if one["closedUntil"]:
                await window.page.locator(f".stats time[datetime='{one['closedUntil']}']").wait_for()


async def test_reasons_are_those_of_the_command_line(
    store: Store, serve: ServeApi, open_window: OpenWindow, command: Command
) -> None:
    await fill(store)
    async with open_window((await serve(store)).url) as window:
        await window.open(f"/users/{USER}")
        shown = [tuple(row) for row in await rows_of(window.page.locator("#jobs-table"))]
        user = await command("describe", "user", USER)
        jobs, first = user["jobs"], user["jobs"][:20]
        assert len(jobs) > len(first), "the page shows the first ones"
        assert [row[:2] for row in shown] == [(job["job"], job["where"]) for job in first]
        # A command in backquotes is code on the page.
        assert [row[2] for row in shown] == [job["why"].replace("`", "") for job in first]
        waiting = Counter(
            (job["job"].partition("|")[0], job["why"].replace("`", ""))
            for job in jobs
            if not job["where"].startswith("leased")
        )
        rows = await rows_of(window.page.locator("#why-table"))
        assert {(row[0], row[1]): int(row[2]) for row in rows} == waiting
