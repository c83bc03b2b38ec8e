"""Ten viewers of a console: live pages over HTTP, beside them requests for pages and for answers of the API.

A browser paints pages in a stretch of its own: on two cores it would delay the very starts and answers that count.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import aiohttp
from playwright.async_api import Browser

from tests.support.api.process import AS_VIEWER

LIVE = (
    "/live/overview", "/live/limits", "/live/limits/global", "/live/types", "/live/types/type-001",
    "/live/users/u-000001", "/live/users/u-000002", "/live/jobs", "/live/dead", "/live/workers",
)  # fmt: skip
PAGES = (
    "/", "/limits", "/types", "/types/type-007", "/users", "/users/u-000007", "/jobs", "/dead", "/workers",
)  # fmt: skip
ASKED = (
    "/v1/types", "/v1/types/type-009", "/v1/limits", "/v1/users?limit=100", "/v1/users/u-000009",
    "/v1/users/u-000009/waiting", "/v1/jobs?limit=100", "/v1/dead", "/v1/workers", "/v1/audit",
)  # fmt: skip
#: Seconds between two requests of one kind, and between two pages in the browser, which needs the cores, too.
PAUSE_S, READING_S = 0.2, 1.0
#: Resolves with the ms from the begin of the navigation to the first text or picture.
_FIRST_PAINT = """new Promise((resolve) => new PerformanceObserver((list) => {
  for (const entry of list.getEntriesByName("first-contentful-paint")) resolve(entry.startTime);
}).observe({type: "paint", buffered: true}))"""

#: The ms of an answer or of a paint, and the path of the page or route.
Timed = tuple[float, str]


@dataclass(slots=True)
class Figures:
    """paints: of pages in the browser.   pages: answers of pages.   answers: of the API.   events: of live pages."""

    paints: list[Timed] = field(default_factory=list)
    pages: list[Timed] = field(default_factory=list)
    answers: list[Timed] = field(default_factory=list)
    events: int = 0

    def summary(self) -> dict[str, Any]:
        paints = [took for took, _ in self.paints]
        return {
            "first_paint_p50_ms": round(percentile(paints, 0.5)),
            "first_paint_p99_ms": round(percentile(paints, 0.99)),
            "first_paint_worst_ms": round(max(paints)),
            "first_paints": len(paints),
            "slowest_paint": _named(max(self.paints)),
            "page_p99_ms": round(percentile([took for took, _ in self.pages], 0.99)),
            "api_p99_ms": round(percentile([took for took, _ in self.answers], 0.99)),
            "slowest_answer": _named(max(self.pages + self.answers)),
            "live_events": self.events,
        }


@asynccontextmanager
async def viewers(url: str, figures: Figures) -> AsyncIterator[None]:
    """View live pages, open pages and ask the API meanwhile."""
    async with aiohttp.ClientSession(url, headers=AS_VIEWER) as session, asyncio.TaskGroup() as group:
        loads = [group.create_task(_follow(session, path, figures)) for path in LIVE]
        loads.append(group.create_task(_ask(session, PAGES, figures.pages, {"Accept": "text/html"})))
        loads.append(group.create_task(_ask(session, ASKED, figures.answers, {})))
        yield
        for load in loads:
            load.cancel()


async def paint(url: str, browser: Browser, figures: Figures, stretch_s: float) -> None:
    """Open page after page in a browser for a while, beside the viewers."""
    await first_paint_ms(browser, url, PAGES[0])  # starts what a viewer's browser has started before
    async with viewers(url, Figures()):
        end_s = time.monotonic() + stretch_s
        for path in cycle(PAGES):
            figures.paints.append((await first_paint_ms(browser, url, path), path))
            await asyncio.sleep(READING_S)
            if time.monotonic() >= end_s:
                break


async def first_paint_ms(browser: Browser, url: str, path: str) -> float:
    """Open a page in a window of its own, which has nothing in its cache."""
    async with await browser.new_context(extra_http_headers=AS_VIEWER) as context:
        page = await context.new_page()
        answer = await page.goto(f"{url}{path}")
        assert answer is not None
        assert answer.ok, path
        return float(await page.evaluate(_FIRST_PAINT))


async def _follow(session: aiohttp.ClientSession, path: str, figures: Figures) -> None:
    while True:
        async with session.get(path, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                figures.events += line == b"\n"


async def _ask(
    session: aiohttp.ClientSession, paths: Sequence[str], took: list[Timed], headers: dict[str, str]
) -> None:
    for path in cycle(paths):
        began = time.perf_counter()
        async with session.get(path, headers=headers) as answer:
            answer.raise_for_status()
            await answer.read()
        took.append(((time.perf_counter() - began) * 1000, path))
        await asyncio.sleep(PAUSE_S)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _named(timed: Timed) -> str:
    return f"{timed[0]:.0f} ms {timed[1]}"
