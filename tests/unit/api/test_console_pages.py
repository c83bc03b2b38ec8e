"""Pages of the console over a real store: each is painted, live, and harmless with hostile values."""

import re

from taskqueue.store.connection import Store
from taskqueue_api.console.page import Page
from taskqueue_api.console.pages import PAGES
from tests.support.console.in_process import App, running_app

#: Values of parameters in paths.
VALUES: dict[str, str] = {}


def url_of(page: Page) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: VALUES[found[1]], page.path)


def live_url_of(page: Page) -> str:
    return f"/live{url_of(page)}" if page.path != "/" else f"/live/{page.name}"


async def assert_painted(app: App, page: Page) -> None:
    answer = await app.get(url_of(page))
    assert answer.status == 200, (page.name, answer.text)
    assert f'aria-current="page">{page.menu}</a>' in answer.text
    assert "<script>" not in answer.text


async def test_pages_of_an_empty_store_are_painted(store: Store) -> None:
    async with running_app(store) as app:
        for page in PAGES:
            await assert_painted(app, page)


async def test_unknown_paths_are_pages(store: Store) -> None:
    async with running_app(store) as app:
        answer = await app.get("/nowhere")
        assert (answer.status, "<h1>" in answer.text) == (404, True)
        assert (await app.get("/v1/nowhere", {"Accept": "*/*"})).headers[
            "content-type"
        ] == "application/problem+json"
