"""The console of `taskqueue dev`: a link signs one browser in, and pages follow schedulers and workers that run."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import expect

from taskqueue_api.console.pages import MENU
from tests.console.conftest import OpenWindow
from tests.support.console.judged import judge
from tests.support.manifests.folder import task_type, user, write

HANDLERS = """
from taskqueue import Job, handler

@handler("f")
async def fetch(job: Job) -> None: ...
"""
USERS = 20


@asynccontextmanager
async def running_dev(folder: Path) -> AsyncIterator[str]:
    """Run `taskqueue dev` with a type of two seconds; the link to its console."""
    write(
        folder / "tasks.yaml", task_type("fetch", "2s"), *(user(f"u-{one}", "fetch") for one in range(USERS))
    )
    (folder / "handlers.py").write_text(HANDLERS)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "taskqueue.cli.main", "dev", str(folder), "--rate", "50"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        said = ""
        while not (found := re.search(r"http://\S+/sign-in\?token=\S+", said)):
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line, said
            said += line.decode()
        yield found[0]
    finally:
        process.terminate()
        await process.communicate()


async def test_pages_of_a_running_release(tmp_path: Path, open_window: OpenWindow) -> None:
    async with running_dev(tmp_path) as link:
        url = link.partition("/sign-in")[0]
        async with open_window(url) as window:
            await window.page.goto(link)
            await expect(window.page).to_have_url(f"{url}/")
            done = window.page.locator("tr", has_text="done").locator("data")
            before = int(await done.get_attribute("value") or 0)
            await expect(done).not_to_have_attribute("value", str(before), timeout=30_000)
            await expect(window.page.get_by_text("0 missing, 0 doubled")).to_be_visible()
            for page in MENU:
                await window.open(page.path)
                assert (page.name, await judge(window.page)) == (page.name, [])
        async with open_window(url) as window:
            await window.page.goto(link)
            await expect(window.page.get_by_role("alert")).to_be_visible()
            window.faults[:] = [fault for fault in window.faults if "401" not in fault]
