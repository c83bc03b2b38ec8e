"""Hostile text in ids, params, reasons, workers, writes and names: shown as text, wherever a page shows it."""

import pytest
from playwright.async_api import expect

from taskqueue.store.connection import Store
from taskqueue_api.console.pages import PAGES
from tests.console.conftest import OpenWindow
from tests.support.api.fixtures import ServeApi
from tests.support.api.process import CREDENTIALS, EDITOR
from tests.support.console.hostile import FURTHER_USERS, MARK, SECRET, spoil, url_of
from tests.support.console.judged import judge

#: Texts and attributes of the page with a control or format character, half a pair, or a pile of marks.
CONTROLS = r"""() => {
  const bad = /(?![\t\n\r])\p{Cc}|[\p{Cf}\p{Surrogate}\u2028\u2029\u3164\ufffd]|\p{Mark}{5}/u;
  const found = [];
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const texts = node.attributes ? [...node.attributes].map((one) => one.value) : [node.data];
    found.push(...texts.filter((text) => bad.test(text)).map((text) => text.slice(0, 80)));
  }
  return found;
}"""
#: Links, forms and streams of the page that lead to another site, or to code.
ELSEWHERE = r"""() => {
  const names = ["href", "src", "action", "formaction", "hx-get", "hx-post", "data-stream", "data-chart"];
  const found = [];
  for (const node of document.querySelectorAll("*")) {
    for (const value of names.map((name) => node.getAttribute(name)).filter((value) => value !== null)) {
      const url = new URL(value, location.href);
      if (url.origin !== location.origin || !/^[/?#]/.test(value)) found.push(value);
    }
    found.push(...[...node.attributes].map((one) => one.name).filter((name) => name.startsWith("on")));
  }
  return found;
}"""
#: Pages that show a hostile text of this release; the others have none to show.
TELLING = {"user", "users", "type", "types", "jobs", "dead", "workers", "writes", "overview"}


@pytest.mark.parametrize("width", [1280, 390])
async def test_hostile_text_is_harmless_on_every_page(
    store: Store, serve: ServeApi, open_window: OpenWindow, width: int
) -> None:
    await spoil(store)
    shown = set()
    async with open_window((await serve(store, CREDENTIALS, show_params=True)).url, width) as window:
        await window.sign_in(EDITOR)
        for page in PAGES:
            await window.open(url_of(page))
            await window.settled()
            assert (page.name, await judge(window.page)) == (page.name, [])
            assert await window.page.evaluate(CONTROLS) == [], page.name
            assert await window.page.evaluate(ELSEWHERE) == [], page.name
            assert await window.page.evaluate("typeof ran") == "undefined"
            content = await window.page.content()
            assert SECRET not in content, f"{page.name} shows params"
            if MARK in content:
                shown.add(page.name)
    assert shown == TELLING


async def test_each_hostile_id_leads_to_its_user(
    store: Store, serve: ServeApi, open_window: OpenWindow
) -> None:
    await spoil(store)
    async with open_window((await serve(store, CREDENTIALS)).url) as window:
        await window.sign_in(EDITOR)
        await window.open("/users")
        links = window.page.locator("main table a")
        paths = {await link.inner_text(): await link.get_attribute("href") for link in await links.all()}
        assert paths.keys() >= {*FURTHER_USERS}
        for user in FURTHER_USERS:
            await window.open(str(paths[user]))
            await expect(window.page.get_by_role("heading", level=1)).to_have_text(user)
            assert await window.page.evaluate("typeof ran") == "undefined"
