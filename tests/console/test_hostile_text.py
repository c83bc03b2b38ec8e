"""Hostile text in ids, params, reasons, workers, writes and names: shown as text, wherever a page shows it."""

import pytest

from taskqueue.store.connection import Store
from taskqueue_api.console.pages import PAGES
from tests.console.conftest import OpenWindow
from tests.support.api.fixtures import ServeApi
from tests.support.api.process import CREDENTIALS, EDITOR
from tests.support.console.hostile import MARK, SECRET, spoil, url_of
from tests.support.console.judged import judge

#: Texts and attributes of the page with a control character, or one that turns the direction of text.
CONTROLS = r"""() => {
  const bad = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/;
  const found = [];
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const texts = node.attributes ? [...node.attributes].map((one) => one.value) : [node.data];
    found.push(...texts.filter((text) => bad.test(text)).map((text) => text.slice(0, 80)));
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
            assert await window.page.evaluate("typeof ran") == "undefined"
            content = await window.page.content()
            assert SECRET not in content, f"{page.name} shows params"
            if MARK in content:
                shown.add(page.name)
    assert shown == TELLING
