"""Write dist/screenshots/, all pages of the console in both schemes, and two of them into docs/pictures/.

The example shop runs for a minute and a half. Its history before that is made up: what the plan says, give or take.
"""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser

from taskqueue.client import Client
from taskqueue.dev.stack import Stack, StackOptions
from taskqueue.plan.forecast import starts
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store, open_store
from taskqueue.store.history import MAX_MINUTES, MINUTE_MS, Counted, Counts, count, to_counters
from taskqueue.store.types import read_catalog
from taskqueue.views.demands import read_plan
from taskqueue_api.console.pages import PAGES
from tools.docs.chromium import running_chromium

Scheme = Literal["light", "dark"]
_ROOT = Path(__file__).parents[2]
SCREENSHOTS = _ROOT / "dist/screenshots"
PICTURES = _ROOT / "docs/pictures"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
#: Pages whose upper part is a picture of README and docs.
KEPT = {("overview", 1280, "light"), ("user", 1280, "dark")}
WIDTHS = (1280, 390)
NAMES = {"limit": "global", "type": "orders-fetch-new", "user": "u-00042"}
#: A type of the user, so that their page shows why nothing runs.
PAUSED = "invoices-create"
_RUN_S = 90
_HOURS = 13
#: Share of starts that are late.
_LATE = 0.05


async def main() -> None:
    """Run the shop, and take the pictures."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with Stack(StackOptions(_ROOT / "examples/shop", 100.0, 2, 1, None, 50)) as stack:
        store = open_store(stack.redis_url, "default")
        began = await server_now_ms(store) // MINUTE_MS
        await _published(store)
        await Client(store).pause(task_type=PAUSED)
        await asyncio.sleep(_RUN_S)
        await _make_history(store, began)
        await store.close()
        async with running_chromium() as browser:
            await _take(browser, stack)


async def _published(store: Store) -> None:
    """Wait until the schedulers have published the type to pause."""
    async with asyncio.timeout(60):
        while PAUSED not in (await read_catalog(store)).records:  # noqa: ASYNC110 - of a store, which sets no event
            await asyncio.sleep(0.1)


async def _make_history(store: Store, last: int) -> None:
    """Count starts of the hours before a minute, as planned."""
    chance = random.Random(1)
    demands = (await read_plan(store)).demands
    counted = [one for demand in demands for one in _counted(demand, last - _HOURS * 60, last, chance)]
    for number, at in enumerate(range(0, len(counted), MAX_MINUTES)):
        await count(store, "before", number + 1, counted[at : at + MAX_MINUTES])


def _counted(demand: TypeDemand, first: int, last: int, chance: random.Random) -> Iterator[Counted]:
    planned = starts([demand], first * 60, 60, (last - first) * 60)
    for minute, slots in enumerate(planned, first):
        number = int(slots / demand.cost * chance.uniform(0.95, 1.05) + chance.random())
        late = sum(chance.random() < _LATE for _ in range(number))
        if number:
            counts = Counts([number - late, late, *[0] * 7], [number, *[0] * 8])
            yield demand.type, minute, to_counters(counts)


async def _take(browser: Browser, stack: Stack) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{stack.console}/sign-in?token={stack.one_time_token}")
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            for one in PAGES:
                await page.goto(f"{stack.console}{one.path.format(name=NAMES.get(one.name))}")
                for chart in await page.locator("[data-chart]").all():
                    await chart.locator("canvas").wait_for()
                await page.get_by_text("The plan is being computed.").wait_for(state="detached")
                path = SCREENSHOTS / f"{one.name}-{width}-{scheme}.png"
                await page.screenshot(path=path, full_page=True)
                if (one.name, width, scheme) in KEPT:
                    await page.screenshot(path=PICTURES / f"console-{one.name}.png")


if __name__ == "__main__":
    asyncio.run(main())
