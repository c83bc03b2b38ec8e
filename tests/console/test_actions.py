"""Actions of an editor in a browser: a question, then the deed and its notice; none for viewers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import expect

from taskqueue.client import Client
from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.limits import read_closed
from taskqueue.store.types import read_catalog
from taskqueue.store.user_pauses import find_pause
from taskqueue_api.console.pages import PAGES
from tests.console.conftest import OpenWindow, in_one_loop
from tests.support.api.fixtures import ServeApi
from tests.support.api.process import CREDENTIALS, EDITOR, VIEWER
from tests.support.console.busy import USER, fill, url_of
from tests.support.console.window import Window
from tests.support.store.raw import raw

ORDERS = "/types/fetch-orders"
USER_PAGE = f"/users/{USER}"


@dataclass(frozen=True)
class Deed:
    """path: of the page.   fields: values by label.   asked, confirm: of the question.   told: of the notice.

    then: a text or button of the page afterwards.
    """

    path: str
    button: str
    asked: str
    confirm: str
    told: str
    then: str
    fields: dict[str, str] = field(default_factory=dict)


PAUSE_TYPE = Deed(
    ORDERS,
    "Pause…",
    "Pause fetch-orders?",
    "Pause",
    "fetch-orders is paused for 30m",
    "Resume…",
    {"Pause for": "30m"},
)
RESUME_TYPE = Deed(ORDERS, "Resume…", "Resume fetch-orders?", "Resume", "fetch-orders runs again", "Pause…")
RUN_TYPE = Deed(
    ORDERS, "Run…", "Run fetch-orders now?", "Run now", "Added the job", "Run…", {"Run now for user": "u-1"}
)
PAUSE_USER = Deed(USER_PAGE, "Pause…", f"Pause {USER}?", "Pause", f"{USER} is paused until", "Resume…")
RESUME_USER = Deed(USER_PAGE, "Resume…", f"Resume {USER}?", "Resume", f"{USER} runs again", "Pause…")
CANCEL = Deed(
    "/jobs?state=waiting", "Cancel…", "Cancel the job?", "Cancel the job", "The job is cancelled", "Cancel…"
)
RETRY = Deed("/dead", "Retry…", "Retry 3 dead jobs?", "Retry 3", "3 jobs are back", "No job is dead.")
PURGE = Deed("/dead", "Purge…", "Purge 3 dead jobs?", "Purge 3", "3 dead jobs are deleted", "No job is dead.")
OVERRIDE = Deed(
    "/limits/shop",
    "Override…",
    "Override the limit shop?",
    "Override",
    "The limit shop is 5/s instead of 2/s, for 30m",
    "End override",
    {"Starts": "5"},
)
CLEAR = Deed(
    "/limits/app",
    "End override",
    "End the override of app?",
    "End override",
    "The declared rate of app holds",
    "Override…",
)
OPEN = Deed("/limits/app", "Open", "Open the limit app?", "Open", "The limit app is open", "Override…")

OPEN_FOR_USER = Deed(
    USER_PAGE,
    "Open…",
    f"Open the limit shop|{USER}?",
    "Open",
    f"The limit shop|{USER} is open",
    "Pause…",
)


async def do(window: Window, deed: Deed) -> None:
    """Do it as a person does."""
    page = window.page
    await window.open(deed.path)
    for label, value in deed.fields.items():
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_role("button", name=deed.button, exact=True).first.click()
    question = page.get_by_role("dialog", name=deed.asked)
    await expect(question).to_be_visible()
    await question.get_by_role("button", name=deed.confirm, exact=True).click()
    await expect(page.get_by_role("status")).to_contain_text(deed.told)
    await expect(question).to_be_hidden()
    await expect(page.get_by_text(deed.then).first).to_be_visible()


@in_one_loop
async def editor(store: Store, serve: ServeApi, open_window: OpenWindow) -> AsyncIterator[Window]:
    """The window of an editor on a filled store."""
    await fill(store)
    async with open_window((await serve(store, CREDENTIALS)).url) as window:
        await window.sign_in(EDITOR)
        yield window


async def test_type_is_paused_and_resumed(editor: Window, store: Store) -> None:
    await do(editor, PAUSE_TYPE)
    assert "fetch-orders" in (await read_catalog(store)).paused
    await do(editor, RESUME_TYPE)
    assert "fetch-orders" not in (await read_catalog(store)).paused


async def test_user_is_paused_and_resumed(editor: Window, store: Store) -> None:
    await do(editor, PAUSE_USER)
    assert await find_pause(store, USER) is not None
    await do(editor, RESUME_USER)
    assert await find_pause(store, USER) is None


@pytest.mark.parametrize("user", [".", ".."])
async def test_user_whose_id_is_dots_is_reached_by_a_link(editor: Window, store: Store, user: str) -> None:
    await Client(store).subscribe(user, "fetch-orders")
    await editor.open(f"/users?q={user}")
    await editor.page.get_by_role("link", name=user, exact=True).click()
    await editor.settled()
    await editor.page.get_by_role("button", name="Pause…", exact=True).click()
    await editor.page.get_by_role("dialog").get_by_role("button", name="Pause", exact=True).click()
    await expect(editor.page.get_by_role("status")).to_contain_text(f"{user} is paused until")
    assert await find_pause(store, user) is not None


async def test_job_is_added_and_cancelled(editor: Window, store: Store) -> None:
    before = sum((await audit(store)).ready.values())
    await do(editor, RUN_TYPE)
    assert sum((await audit(store)).ready.values()) == before + 1
    await do(editor, CANCEL)
    assert sum((await audit(store)).ready.values()) == before


@pytest.mark.parametrize(("deed", "ready"), [(RETRY, 3), (PURGE, 0)], ids=["retry", "purge"])
async def test_group_of_dead_jobs_is_counted_then_moved(
    editor: Window, store: Store, deed: Deed, ready: int
) -> None:
    before = await audit(store)
    await do(editor, deed)
    after = await audit(store)
    assert (after.dead_letters, sum(after.ready.values())) == (0, sum(before.ready.values()) + ready)


async def test_limit_is_overridden_with_an_end(editor: Window, store: Store) -> None:
    await do(editor, OVERRIDE)
    over = (await read_catalog(store)).overrides["shop"]
    assert over.rate == 5.0
    assert over.expires_ms > 0
    await do(editor, CLEAR)
    assert set((await read_catalog(store)).overrides) == {"shop"}


async def test_closed_limit_is_opened(editor: Window, store: Store) -> None:
    assert [one.limit for one in await read_closed(store)] == ["app"]
    await do(editor, OPEN)
    assert await read_closed(store) == []


async def test_limit_that_is_closed_for_one_user_is_opened(editor: Window, store: Store) -> None:
    await raw(store).zadd(store.keys("limits_closed_until"), {f"shop|{USER}": 4_000_000_000_000_000})
    await do(editor, OPEN_FOR_USER)
    assert [one.limit for one in await read_closed(store)] == ["app"]
    await expect(editor.page.get_by_role("button", name="Open…")).to_have_count(0)


async def test_refused_value_is_told_where_the_person_looks(editor: Window) -> None:
    await editor.open(ORDERS)
    await editor.page.get_by_label("Pause for").fill("soon")
    await editor.page.get_by_role("button", name="Pause…").click()
    await expect(editor.page.get_by_role("status")).to_contain_text("a duration")
    await expect(editor.page.get_by_role("dialog")).to_be_hidden()
    editor.faults[:] = [fault for fault in editor.faults if "422" not in fault]


FORGED = """async (path) => {
  const body = new URLSearchParams({confirmed: "yes"});
  const headers = {"HX-Request": "true"};
  return (await fetch(path, {method: "POST", body, headers})).status;
}"""


async def test_viewer_sees_no_form_and_writes_nothing(busy: str, open_window: OpenWindow) -> None:
    async with open_window(busy) as window:
        await window.sign_in(VIEWER)
        for page in PAGES:
            await window.open(url_of(page))
            forms = await window.page.locator("main form").evaluate_all(
                "(all) => all.map((one) => one.action)"
            )
            assert [one for one in forms if "/actions/" in one] == []
        assert await window.page.evaluate(FORGED, f"/actions{ORDERS}/pause") == 403
        window.faults[:] = [fault for fault in window.faults if "403" not in fault]
