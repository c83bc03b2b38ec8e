"""`taskqueue dev PATH`: a folder of manifests, run for real on this machine."""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import msgspec
from rich.console import Console
from rich.live import Live

from taskqueue.cli.dev.children import ChildError
from taskqueue.cli.dev.scrape import Look, look
from taskqueue.cli.dev.stack import Stack, Wanted
from taskqueue.cli.dev.summary import summarize
from taskqueue.cli.dev.view import line, render
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.loads import loads_of_store
from taskqueue.cli.plot import hour_plot
from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.plan.forecast import starts
from taskqueue.store.connection import Store, open_store

_LOOK_EVERY_S = 1.0
_LINE_EVERY_S = 5.0
_PLOT_EVERY_S = 30.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or --for; print a summary; 4 if a job is unaccounted for or the limit was exceeded."""
    options = _parser().parse_args(argv)
    if not options.path.exists():
        sys.stderr.write(f"taskqueue dev: there is no file or folder {options.path}\n")
        return ExitCode.USAGE
    wanted = Wanted(
        options.path, options.rate, options.workers, options.schedulers, options.redis, options.concurrency
    )
    try:
        with Stack(wanted) as stack:
            return asyncio.run(_run(stack, options.for_s, as_json=options.json))
    except ChildError as error:
        sys.stderr.write(f"taskqueue dev: {error}\n")
        return ExitCode.REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="taskqueue dev", description=__doc__)
    parser.add_argument(
        "path", type=Path, help="a file or folder of manifests; its handlers.py, if any, is loaded"
    )
    parser.add_argument(
        "--for", dest="for_s", type=_seconds, metavar="60s", help="stop by itself after this time"
    )
    parser.add_argument("--rate", type=float, default=100.0, help="the global limit R, starts a second (100)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (2)")
    parser.add_argument("--concurrency", type=int, default=50, help="jobs a worker runs at a time (50)")
    parser.add_argument("--schedulers", type=int, default=1, help="scheduler processes (1)")
    parser.add_argument("--redis", metavar="URL", help="use this server instead of one of its own")
    parser.add_argument("--json", action="store_true", help="no view; print the summary as one JSON object")
    return parser


def _seconds(text: str) -> float:
    try:
        return parse_positive_ms(text) / 1000
    except ValueRefusedError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


async def _run(stack: Stack, for_s: float | None, *, as_json: bool) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    store = open_store(stack.redis_url)
    try:
        running = await _watch(stack, store, stopping, for_s, quiet=as_json)
        await asyncio.to_thread(stack.drain)
        summary = summarize(stack.wanted.rate, running, await look(stack, store))
    finally:
        await store.close()
    if as_json:
        print(msgspec.json.encode(asdict(summary)).decode())
    else:
        for name, value in summary.lines():
            print(f"{name:20} {value:>14}")
    return summary.exit_code()


async def _watch(
    stack: Stack, store: Store, stopping: asyncio.Event, for_s: float | None, *, quiet: bool
) -> Look:
    """Show what goes on until it is time to stop; return the last look at it. Raises ChildError."""
    began_s = time.monotonic()
    console = Console(stderr=quiet)
    shown = console.is_terminal and not quiet
    plot, plotted_s, lined_s = "", float("-inf"), began_s
    before: Look | None = None
    with Live(console=console, auto_refresh=False, screen=False) if shown else _Nothing() as live:
        while True:
            now = await look(stack, store)
            elapsed_s = time.monotonic() - began_s
            if isinstance(live, Live):
                if elapsed_s - plotted_s > _PLOT_EVERY_S:
                    plot, plotted_s = await _next_hour(store, stack.wanted.rate), elapsed_s
                live.update(render(now, before, elapsed_s, stack.wanted.rate, plot), refresh=True)
            elif time.monotonic() - lined_s >= _LINE_EVERY_S:
                lined_s = time.monotonic()
                console.print(line(now, before, elapsed_s, stack.wanted.rate), highlight=False)
            before = now
            problem = stack.problem()
            if problem:
                raise ChildError(problem)
            left_s = _LOOK_EVERY_S if for_s is None else min(_LOOK_EVERY_S, for_s - elapsed_s)
            if left_s <= 0 or await _stopped(stopping, left_s):
                return await look(stack, store)


async def _stopped(stopping: asyncio.Event, within_s: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), within_s)
    except TimeoutError:
        return False
    return True


async def _next_hour(store: Store, rate: float) -> str:
    loads, _ = await loads_of_store(store)
    now_s = int(time.time())
    return hour_plot(await asyncio.to_thread(starts, loads, now_s, 60, 3600), rate)


class _Nothing:
    """Stands for the live view where there is no terminal."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
