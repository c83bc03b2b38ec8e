"""Debian's Chromium, driven by Playwright, whose own browsers are not needed."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

PROGRAM = shutil.which("chromium")
REMEDY = "no Chromium: apt-get install --no-install-recommends chromium fonts-dejavu-core"


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """Run a browser."""
    assert PROGRAM, REMEDY
    # Root has no namespaces of its own to put the sandbox into.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=PROGRAM, args=options)
        yield browser
        await browser.close()
