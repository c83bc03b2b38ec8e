"""The judgement of a page as it stands in a window: its layout, its outline, and axe's findings."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

_TESTS = Path(__file__).parents[2]
#: Findings of these impacts are faults; others are printed.
_GRAVE = {"serious", "critical"}


@cache
def _source(path: str) -> str:
    return (_TESTS / path).read_text()


async def judge(page: Page) -> list[str]:
    """Return the faults of a page."""
    faults: list[str] = await page.evaluate(_source("support/console/layout.js"))
    return faults + await _findings(page)


async def _findings(page: Page) -> list[str]:
    await page.evaluate(_source("console/vendor/axe.min.js"))
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    faults = []
    for one in found["violations"]:
        nodes = "; ".join(node["html"][:120] for node in one["nodes"][:3])
        text = f"axe, {one['impact']}: {one['id']} at {nodes}"
        if one["impact"] in _GRAVE:
            faults.append(text)
        else:
            print(f"{page.url}: {text}")
    return faults
