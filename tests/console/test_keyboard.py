"""The console without a mouse: every control is reached and seen, dialogs open, close and are answered."""

import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from taskqueue.client import Client
from taskqueue.models.values import Subscription, UserSubscription
from taskqueue.store.connection import Store
from taskqueue.store.types import read_catalog
from taskqueue.store.users import set_users
from taskqueue_api.console.page import Page
from taskqueue_api.console.pages import PAGES
from tests.console.conftest import OpenWindow
from tests.support.api.fixtures import ServeApi
from tests.support.api.process import EDITOR
from tests.support.api.seeded import seed
from tests.support.console.busy import url_of

TYPE = "/types/fetch-orders"
#: The focused element as a line, and whether a person sees that it has the focus.
FOCUSED = """() => {
  const it = document.activeElement, style = getComputedStyle(it);
  if (it === document.body) return null;
  const box = it.getBoundingClientRect();
  const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
    && box.bottom > 0 && box.top < innerHeight;
  it.dataset.reached = "";
  return {isSeen, html: it.outerHTML.slice(0, 100)};
}"""
MISSED = """() => [...document.querySelectorAll("a[href], button, input, select")]
  .filter((one) => one.getClientRects().length && one.type !== "hidden" && !("reached" in one.dataset))
  .map((one) => one.outerHTML.slice(0, 100))"""
MOST_STOPS = 300


async def focused(tab: Tab) -> str:
    return str(await tab.evaluate("document.activeElement.id || document.activeElement.textContent"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_tab_reaches_every_control(busy: str, open_window: OpenWindow, page: Page) -> None:
    async with open_window(busy) as window:
        await window.sign_in(EDITOR)
        await window.open(url_of(page))
        await window.page.locator("#live-state").or_(window.page.locator("h1")).first.wait_for()
        if page.is_live:
            await window.page.evaluate("paused = true")  # marks of this test would be morphed away
        unseen = []
        for _ in range(MOST_STOPS):
            await window.page.keyboard.press("Tab")
            stop = await window.page.evaluate(FOCUSED)
            if stop is None:
                break
            if not stop["isSeen"]:
                unseen.append(stop["html"])
        assert unseen == []
        assert await window.page.evaluate(MISSED) == []


async def test_skip_link_leads_to_the_page(busy: str, open_window: OpenWindow) -> None:
    async with open_window(busy) as window:
        await window.sign_in(EDITOR)
        await window.open("/limits")
        await window.page.keyboard.press("Tab")
        await expect(window.page.locator(".skip")).to_be_focused()
        await expect(window.page.locator(".skip")).to_be_in_viewport(ratio=1)
        await window.page.keyboard.press("Enter")
        await expect(window.page.locator("main")).to_be_focused()


async def test_question_is_left_by_escape(store: Store, serve: ServeApi, open_window: OpenWindow) -> None:
    await seed(store)
    async with open_window((await serve(store)).url) as window:
        await window.open(TYPE)
        await window.page.locator("#for").focus()
        await window.page.keyboard.type("30m")
        await window.page.keyboard.press("Tab")
        await window.page.keyboard.press("Enter")
        await expect(window.page.get_by_role("dialog", name="Pause fetch-orders?")).to_be_visible()
        assert await focused(window.page) == "Cancel"
        await window.page.keyboard.press("Escape")
        await expect(window.page.locator("dialog")).to_be_hidden()
        assert await focused(window.page) == "Pause…"
        await expect(window.page.locator("#for")).to_have_value("30m")
        assert (await read_catalog(store)).paused == {}


async def test_question_is_answered_by_keyboard(
    store: Store, serve: ServeApi, open_window: OpenWindow
) -> None:
    await seed(store)
    async with open_window((await serve(store)).url) as window:
        await window.open(TYPE)
        await window.page.locator("#for").press("Enter")
        await expect(window.page.get_by_role("dialog")).to_be_visible()
        await window.page.keyboard.press("Tab")
        assert await focused(window.page) == "Pause"
        await window.page.keyboard.press("Enter")
        await expect(window.page.get_by_role("status")).to_contain_text("is paused until it is resumed")
        await expect(window.page.get_by_role("button", name="Resume…")).to_be_visible()
        assert (await read_catalog(store)).paused == {"fetch-orders": 0}


async def test_focus_and_a_typed_value_outlive_live_swaps(
    store: Store, serve: ServeApi, open_window: OpenWindow
) -> None:
    await seed(store)
    async with open_window((await serve(store)).url) as window:
        await window.open(TYPE)
        await window.page.locator("#user").focus()
        await window.page.keyboard.type("u-")
        subscriptions = window.page.locator(".stat", has_text="Subscriptions").locator("data")
        await expect(subscriptions).to_have_attribute("value", "3")
        added = UserSubscription("u-2", (Subscription("fetch-orders"),))
        await set_users(store, "client", [added])
        await expect(subscriptions).to_have_attribute("value", "4")
        await window.page.keyboard.type("2")
        await expect(window.page.locator("#user")).to_have_value("u-2")


async def test_open_question_outlives_live_swaps(
    store: Store, serve: ServeApi, open_window: OpenWindow
) -> None:
    await seed(store)
    await Client(store).enqueue("u-1", "fetch-orders")
    async with open_window((await serve(store)).url) as window:
        await window.open("/jobs")
        await window.page.get_by_role("button", name="Cancel…").press("Enter")
        await expect(window.page.get_by_role("dialog", name="Cancel the job?")).to_be_visible()
        await Client(store).enqueue("u-1", "send-report")
        await expect(window.page.get_by_text("send-report")).to_be_visible()
        await expect(window.page.get_by_role("dialog", name="Cancel the job?")).to_be_visible()
        assert await focused(window.page) == "Cancel"
