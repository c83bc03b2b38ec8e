"""Pages follow the store without being loaded again, and say when they do not."""

import os
import signal

from playwright.async_api import expect

from taskqueue.client import Client
from taskqueue.store.connection import Store
from tests.console.conftest import OpenWindow
from tests.support.api.fixtures import ServeApi, StartApi
from tests.support.api.seeded import seed
from tests.support.console.window import Window

#: Counts the events of the page's stream, one a second, and keeps the count at which each number of due jobs was shown.
COUNT = """() => {
  window.events = 0;
  window.shown = {};
  const note = () => {
    const stat = [...document.querySelectorAll(".stat")].find((one) => one.textContent.includes("Due"));
    window.shown[stat.querySelector("data").value] ??= window.events;
  };
  document.addEventListener("console:event", () => { window.events += 1; note(); });
  new MutationObserver(note).observe(document.getElementById("live"), {attributes: true, subtree: true});
}"""
JOBS = 5


async def add_jobs(store: Store) -> None:
    for number in range(JOBS):
        await Client(store).enqueue("u-1", "fetch-orders", job_id=f"order-{number}")


async def assert_due(window: Window, jobs: int) -> None:
    due = window.page.locator(".stat", has_text="Due").locator("data")
    await expect(due).to_have_attribute("value", str(jobs), timeout=20_000)


async def assert_state(window: Window, state: str) -> None:
    button = window.page.locator("#live-state")
    await expect(button).to_have_attribute("data-state", state, timeout=30_000)
    await expect(button).to_have_text(state.title())


async def test_number_follows_the_store_within_three_events(
    store: Store, serve: ServeApi, open_window: OpenWindow
) -> None:
    await seed(store)
    async with open_window((await serve(store)).url) as window:
        await window.open("/")
        await window.settled()
        await add_jobs(store)
        await window.page.evaluate(COUNT)
        await assert_due(window, JOBS)
        assert await window.page.evaluate(f"window.shown[{JOBS}]") <= 3


async def test_paused_page_stands_still(store: Store, serve: ServeApi, open_window: OpenWindow) -> None:
    await seed(store)
    async with open_window((await serve(store)).url) as window:
        await window.open("/")
        await window.page.locator("#live-state").click()
        await assert_state(window, "paused")
        await add_jobs(store)
        await window.settled()
        await window.settled()
        await assert_due(window, 0)
        await window.page.locator("#live-state").click()
        await assert_state(window, "live")
        await assert_due(window, JOBS)


async def test_page_tells_that_it_is_stale_and_recovers(
    store: Store, api: StartApi, open_window: OpenWindow
) -> None:
    await seed(store)
    running = api(store)
    async with open_window(running.url) as window:
        await window.open("/")
        await window.settled()
        os.kill(running.pid, signal.SIGSTOP)
        await assert_state(window, "stale")
        os.kill(running.pid, signal.SIGCONT)
        await assert_state(window, "live")
        running.child.kill()
        await assert_state(window, "stale")
        await add_jobs(store)
        api(store, port=running.url.rpartition(":")[2])
        await assert_state(window, "live")
        await assert_due(window, JOBS)
        # The browser logs each request that finds no server.
        window.faults[:] = [one for one in window.faults if "net::ERR_" not in one]
