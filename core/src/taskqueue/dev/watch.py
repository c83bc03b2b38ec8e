"""Snapshots of a running stack, taken and shown until the run ends."""

import asyncio
import contextlib
import time
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.text import Text

from taskqueue.cli.plot import hour_plot
from taskqueue.dev.children import ChildError
from taskqueue.dev.limit_view import limit_lines
from taskqueue.dev.snapshot import Snapshot, take_snapshot
from taskqueue.dev.stack import STOP_SIGNALS, Stack
from taskqueue.dev.view import line, render
from taskqueue.plan.forecast import starts
from taskqueue.store.connection import Store
from taskqueue.store.errors import StoreFailure, StoreUnavailable
from taskqueue.store.url import parse_url
from taskqueue.views.demands import read_plan

_SNAPSHOT_EVERY_S = 1.0
_LINE_EVERY_S = 5.0
_PLOT_EVERY_S = 5.0
#: Seconds between two checks of the processes, and the time that a process gets to end after it closed a connection.
_ALIVE_EVERY_S = 0.3
#: Lines of a terminal below which the plot would hide the numbers.
_PLOT_FROM_LINES = 30
#: Frame and head of the panel of limits.
_FRAME_LINES = 3


@dataclass(slots=True)
class Watch:
    """A live view on a terminal; elsewhere, and on standard error, a line every few seconds."""

    stack: Stack
    store: Store
    console: Console
    _plot: str = ""
    _plotted_s: float = float("-inf")
    _lined_s: float = 0.0

    async def run(self, for_s: float | None) -> Snapshot:
        """Return the last snapshot, after one of STOP_SIGNALS or for_s. Raises ChildError if a process ends before."""
        stopping = asyncio.Event()
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        stack = self.stack
        self.console.print(
            f"store {parse_url(stack.redis_url)}   API {stack.api}   logs {stack.folder}",
            style="dim",
            soft_wrap=True,
        )
        self.console.print(f"console: {_sign_in_link(stack)}", soft_wrap=True)
        began_s, before = time.monotonic(), None
        with self._screen() as screen:
            while True:
                try:
                    now = await self._snapshot()
                    elapsed_s = time.monotonic() - began_s
                    await self._show(screen, now, before, elapsed_s)
                    before = now
                except StoreUnavailable as failure:  # the processes wait for their store, too
                    elapsed_s = time.monotonic() - began_s
                    self._show_failure(screen, failure, elapsed_s)
                left_s = _SNAPSHOT_EVERY_S if for_s is None else min(_SNAPSHOT_EVERY_S, for_s - elapsed_s)
                if left_s <= 0 or await _set_within(stopping, left_s):
                    return await self._snapshot()

    def _screen(self) -> "Live | contextlib.nullcontext[None]":
        if self.console.stderr or not self.console.is_terminal:
            return contextlib.nullcontext()
        # No other code prints meanwhile; with a redirected stdout the plot could not tell which characters it may draw.
        return Live(console=self.console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)

    async def _snapshot(self) -> Snapshot:
        """Take a snapshot. Raises ChildError at once if a process has ended and will not answer."""
        reading = asyncio.create_task(take_snapshot(self.stack, self.store))
        try:
            while not (await asyncio.wait((reading,), timeout=_ALIVE_EVERY_S))[0]:
                self._raise_problem()
            return await reading
        except StoreFailure:
            await asyncio.sleep(_ALIVE_EVERY_S)
            raise
        finally:
            reading.cancel()
            self._raise_problem()

    def _raise_problem(self) -> None:
        problem = self.stack.problem()
        if problem:
            raise ChildError(problem)

    async def _show(
        self, screen: Live | None, now: Snapshot, before: Snapshot | None, elapsed_s: float
    ) -> None:
        rate = self.stack.options.rate
        if screen:
            if elapsed_s - self._plotted_s > _PLOT_EVERY_S:
                self._plot, self._plotted_s = await self._next_hour(rate), elapsed_s
            lines = _PLOT_FROM_LINES + (len(now.limits) + _FRAME_LINES if now.limits else 0)
            plot = self._plot if self.console.height >= lines else ""
            screen.update(render(now, before, elapsed_s, rate, plot, self.stack.console), refresh=True)
        elif elapsed_s - self._lined_s >= _LINE_EVERY_S:
            self._lined_s = elapsed_s
            for text in (line(now, before, elapsed_s, rate), *limit_lines(now, before)):
                self.console.print(text, soft_wrap=True)

    def _show_failure(self, screen: Live | None, failure: StoreUnavailable, elapsed_s: float) -> None:
        text = Text(str(failure), style="red")
        if screen:
            screen.update(text, refresh=True)
        elif elapsed_s - self._lined_s >= _LINE_EVERY_S:
            self._lined_s = elapsed_s
            self.console.print(text, soft_wrap=True)

    async def _next_hour(self, rate: float) -> str:
        demands = (await read_plan(self.store)).demands
        return hour_plot(await asyncio.to_thread(starts, demands, int(time.time()), 60, 3600), rate)


def _sign_in_link(stack: Stack) -> str:
    if not stack.console:
        return 'not installed: `pip install "taskqueue-operator[dev]"`'
    return f"{stack.console}/sign-in?token={stack.one_time_token}"


async def _set_within(event: asyncio.Event, within_s: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), within_s)
    except TimeoutError:
        return False
    return True
