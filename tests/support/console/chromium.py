"""Debian's Chromium, driven by Playwright."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

_REMEDY = "no Chromium: apt-get install chromium fonts-dejavu-core"


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """Run a browser; the test is skipped where there is none, and fails under CI=true."""
    program = shutil.which("chromium")
    if not program:
        assert os.environ.get("CI") != "true", _REMEDY
        pytest.skip(_REMEDY)
    # Root has no namespaces of its own to put the sandbox into.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        await browser.close()
