"""Every page, narrow and wide, light and dark: nothing logged, asked of other hosts or refused; laid out well."""

import pytest

from taskqueue_api.console.page import Page
from taskqueue_api.console.pages import PAGES
from tests.console.conftest import OpenWindow
from tests.support.api.process import EDITOR
from tests.support.console.busy import USER
from tests.support.console.judged import judge
from tests.support.console.window import Scheme

NAMES = {"limit": "app", "type": "fetch-orders", "user": USER}
LOOKS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]


def url_of(page: Page) -> str:
    return page.path.format(name=NAMES.get(page.name))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_page_is_clean(
    busy: str, open_window: OpenWindow, page: Page, width: int, scheme: Scheme
) -> None:
    async with open_window(busy, width, scheme) as window:
        await window.sign_in(EDITOR)
        await window.open(url_of(page))
        assert await judge(window.page) == []
