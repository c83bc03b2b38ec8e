"""A window of a browser on a console: it keeps errors and warnings of its pages, and requests to other hosts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

Scheme = Literal["light", "dark"]
#: Runs in each page before its own scripts: each refusal of the policy is an error.
_TELL_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} refused ${event.blockedURI} at ${event.sourceFile}`))"""

_LIMIT_MS = 20_000
#: Resolves with the next event of the page's stream.
_NEXT_EVENT = f"""new Promise((resolve, reject) => {{
  document.addEventListener("console:event", () => resolve(), {{once: true}});
  setTimeout(() => reject(new Error("the page's stream is silent")), {_LIMIT_MS});
}})"""


@dataclass
class Window:
    """url: of the console.   faults: errors and warnings of pages, and requests to other hosts.   asked: all URLs."""

    page: Page
    context: BrowserContext
    url: str
    faults: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.context.on("request", self._on_request)

    async def open(self, path: str) -> None:
        """Open a page of the console."""
        await self.page.goto(f"{self.url}{path}", wait_until="load")

    async def settled(self) -> None:
        """Wait until the live part was renewed, where the page has one, and its charts are drawn."""
        if await self.page.locator("#live").count():
            await self.page.evaluate(_NEXT_EVENT)
        for chart in await self.page.locator("[data-chart]").all():
            await chart.locator("canvas").wait_for()

    async def sign_in(self, token: str) -> None:
        """Sign in without the page for it."""
        answer = await self.context.request.post(
            f"{self.url}/sign-in", form={"token": token}, headers={"Origin": self.url}, max_redirects=0
        )
        assert answer.status == 303, await answer.text()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{self.page.url}: {message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        self.asked.append(request.url)
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc and not request.url.startswith("data:"):
            self.faults.append(f"{self.page.url} asked for {request.url}")


@asynccontextmanager
async def opened_window(
    browser: Browser, url: str, width: int = 1280, scheme: Scheme = "light", *, scripts: bool = True
) -> AsyncIterator[Window]:
    """Open a window of its own, with no cookies; at its end it must have no faults.

    scripts: whether pages may run any.
    """
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=scripts,
        ignore_https_errors=True,  # of a test's own authority
    )
    context.set_default_timeout(_LIMIT_MS)
    await context.add_init_script(_TELL_VIOLATIONS)
    window = Window(await context.new_page(), context, url)
    try:
        yield window
    finally:
        await context.close()
    assert not window.faults, "\n".join(window.faults)
