"""Every page, narrow and wide, light and dark: nothing logged, asked of other hosts or refused; laid out well."""

import pytest
from playwright.async_api import expect

from taskqueue_api.console.page import Page
from taskqueue_api.console.pages import PAGES
from tests.console.conftest import OpenWindow
from tests.support.api.process import EDITOR
from tests.support.console.busy import url_of
from tests.support.console.judged import judge
from tests.support.console.window import Scheme

SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("width", [1280, 390])
async def test_page_is_clean(busy: str, open_window: OpenWindow, page: Page, width: int) -> None:
    async with open_window(busy, width) as window:
        await window.sign_in(EDITOR)
        await window.open(url_of(page))
        for scheme in SCHEMES:
            await window.page.emulate_media(color_scheme=scheme)
            assert (scheme, await judge(window.page)) == (scheme, [])


async def test_page_without_scripts_says_that_values_stand_still(busy: str, open_window: OpenWindow) -> None:
    async with open_window(busy, scripts=False) as window:
        await window.sign_in(EDITOR)
        await window.open("/")
        await expect(window.page.locator("noscript p")).to_be_visible()
        await expect(window.page.locator("#live-state")).to_be_hidden()
        await expect(window.page.locator(".chart")).to_be_hidden()
        await expect(window.page.locator("figcaption")).to_be_visible()


async def test_filter_is_that_of_its_list_after_back(busy: str, open_window: OpenWindow) -> None:
    async with open_window(busy) as window:
        await window.sign_in(EDITOR)
        await window.open("/jobs")
        await window.page.get_by_label("State").select_option("waiting")
        await window.page.get_by_role("button", name="Filter").click()
        await window.page.wait_for_url("**/jobs?*")
        await window.page.go_back()
        await window.page.wait_for_url("**/jobs")
        await expect(window.page.get_by_label("State")).to_have_value("")
