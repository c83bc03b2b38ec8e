"""Every page, narrow and wide, light and dark: nothing logged, asked of other hosts or refused; laid out well."""

import pytest

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
