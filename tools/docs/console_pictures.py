"""Write dist/screenshots/, all pages of the console in both schemes, and from them the pictures of README and docs.

The example shop runs for a minute and a half. Its history before that is made up: what the plan says, give or take.
"""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

from playwright.async_api import Browser

from taskqueue.dev.stack import Stack, StackOptions
from taskqueue.plan.forecast import starts
from taskqueue.plan.type_demand import TypeDemand
from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store, open_store
from taskqueue.store.history import MAX_MINUTES, MINUTE_MS, Counted, Counts, count, to_counters
from taskqueue.views.demands import read_plan
from taskqueue_api.console.pages import PAGES
from tests.support.console.chromium import running_chromium
from tests.support.console.window import Scheme, opened_window

_ROOT = Path(__file__).parents[2]
SCREENSHOTS = _ROOT / "dist/screenshots"
PICTURES = _ROOT / "docs/pictures"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDTHS = (1280, 390)
NAMES = {"limit": "global", "type": "orders-fetch-new", "user": "u-00042"}
_RUN_S = 90
_HOURS = 12


async def main() -> None:
    """Run the shop, and take the pictures."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    options = StackOptions(_ROOT / "examples/shop", 100.0, 2, 1, None, 50)
    with Stack(options) as stack:
        store = open_store(stack.redis_url, "default")
        await _make_history(store)
        await store.close()
        await asyncio.sleep(_RUN_S)
        async with running_chromium() as browser:
            await _take(browser, stack)


async def _make_history(store: Store) -> None:
    """Count starts of the last hours, up to this minute, as planned."""
    chance = random.Random(1)
    last = await server_now_ms(store) // MINUTE_MS
    first = last - _HOURS * 60
    counted = [
        one
        for demand in (await read_plan(store)).demands
        for one in _counted(demand, first, last, chance)
    ]
    for number, at in enumerate(range(0, len(counted), MAX_MINUTES)):
        await count(store, "before", number + 1, counted[at : at + MAX_MINUTES])


def _counted(demand: TypeDemand, first: int, last: int, chance: random.Random) -> Iterator[Counted]:
    planned = starts([demand], first * 60, 60, (last - first) * 60)
    for minute, slots in enumerate(planned, first):
        number = int(slots / demand.cost * chance.uniform(0.92, 1.06) + chance.random())
        if number:
            late = sum(chance.random() < 0.05 for _ in range(number))
            yield demand.type, minute, to_counters(Counts([number - late, late, *[0] * 7], [number, *[0] * 8]))


async def _take(browser: Browser, stack: Stack) -> None:
    link = f"/sign-in?token={stack.one_time_token}"
    async with opened_window(browser, stack.console) as window:
        await window.open(link)
        session = await window.context.storage_state()
    for scheme in SCHEMES:
        for width in WIDTHS:
            async with opened_window(browser, stack.console, width, scheme, session=session) as window:
                for page in PAGES:
                    await window.open(page.path.format(name=NAMES.get(page.name)))
                    await window.settled()
                    path = SCREENSHOTS / f"{page.name}-{width}-{scheme}.png"
                    await window.page.screenshot(path=path, full_page=True)


if __name__ == "__main__":
    asyncio.run(main())
