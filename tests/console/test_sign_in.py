"""Sign-in and sign-out of a browser: by a token, by a link, and the end of a session."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.async_api import expect

from taskqueue.store.connection import Store
from taskqueue_api.live import streams
from tests.console.conftest import OpenWindow
from tests.support.api.fixtures import ServeApi
from tests.support.api.process import CREDENTIALS, EDITOR, VIEWER
from tests.support.api.proxy import auth_proxy
from tests.support.api.seeded import seed
from tests.support.console.judged import judge
from tests.support.console.window import Window

ONCE = "one-time-token-0123456789"
SESSION_S = 60


async def assert_asked(window: Window) -> None:
    await expect(window.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_person_signs_in_by_keyboard_and_out_again(busy: str, open_window: OpenWindow) -> None:
    async with open_window(busy) as window:
        await window.open("/types/fetch-orders")
        await assert_asked(window)
        await window.page.keyboard.type(VIEWER)
        await window.page.keyboard.press("Enter")
        await expect(window.page).to_have_url(f"{busy}/types/fetch-orders")
        await expect(window.page.get_by_text("vera")).to_be_visible()
        await window.page.get_by_role("button", name="Sign out").click()
        await assert_asked(window)
        await window.open("/")
        await assert_asked(window)


@pytest.mark.parametrize("width", [1280, 390])
async def test_wrong_token_is_told(
    store: Store, serve: ServeApi, open_window: OpenWindow, width: int
) -> None:
    async with open_window((await serve(store, CREDENTIALS)).url, width) as window:
        await window.open("/sign-in")
        await window.page.get_by_label("Token").fill("wrong-token-0123456789")
        await window.page.get_by_role("button", name="Sign in").click()
        await expect(window.page.get_by_role("alert")).to_have_text(
            "This token is not known, or was used already."
        )
        await expect(window.page.get_by_label("Token")).to_have_attribute("aria-invalid", "true")
        assert await judge(window.page) == []
        window.faults[:] = [fault for fault in window.faults if "401" not in fault]


async def test_person_behind_a_proxy_is_signed_in_and_acts(
    store: Store, serve: ServeApi, open_window: OpenWindow, tmp_path: Path
) -> None:
    await seed(store)
    served = await serve(store, CREDENTIALS, editor_groups=["team"])
    async with auth_proxy(tmp_path, served.port) as proxy, open_window(proxy.url) as window:
        await window.open("/oauth2/callback?user=ada@example.com")
        await expect(window.page.get_by_text("ada@example.com")).to_be_visible()
        await expect(window.page.get_by_role("button", name="Sign out")).to_have_count(0)
        await window.settled()
        await window.open("/types/fetch-orders")
        await window.page.get_by_role("button", name="Pause…").click()
        await window.page.get_by_role("dialog").get_by_role("button", name="Pause").click()
        await expect(window.page.locator("#notice")).to_contain_text("is paused")
        await window.open("/writes")
        await expect(window.page.locator("main table")).to_contain_text("ada@example.com")


async def test_link_signs_in_once(store: Store, serve: ServeApi, open_window: OpenWindow) -> None:
    url = (await serve(store, one_time_token=ONCE)).url
    async with open_window(url) as window:
        await window.open(f"/sign-in?token={ONCE}")
        await expect(window.page.get_by_role("heading", name="Overview")).to_be_visible()
        await expect(window.page).to_have_url(f"{url}/")
    async with open_window(url) as window:
        await window.open(f"/sign-in?token={ONCE}")
        await assert_asked(window)
        await expect(window.page.get_by_role("alert")).to_be_visible()
        window.faults[:] = [fault for fault in window.faults if "401" not in fault]


async def test_open_page_leads_to_the_sign_in_once_its_session_has_ended(
    store: Store, serve: ServeApi, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seed(store)
    monkeypatch.setattr(streams, "LIFE_S", 1.0)
    url = (await serve(store, CREDENTIALS, session=SESSION_S)).url
    async with open_window(url) as window:
        await window.sign_in(EDITOR)
        await window.open("/limits")
        await window.settled()
        later = time.time() + SESSION_S + 5
        monkeypatch.setattr("itsdangerous.timed.time", SimpleNamespace(time=lambda: later))
        await expect(window.page).to_have_url(f"{url}/sign-in?next=/limits", timeout=30_000)
        await assert_asked(window)
        window.faults[:] = [fault for fault in window.faults if "401" not in fault]
