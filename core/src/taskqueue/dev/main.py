"""`taskqueue dev`: a folder of manifests, run on this machine."""

import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, say
from taskqueue.cli.instant import read_duration_ms
from taskqueue.cli.options import RELEASE_DEFAULT, ForOption
from taskqueue.cli.output import show_json
from taskqueue.cli.rate import RateOption, read_rate
from taskqueue.cli.store_command import with_store
from taskqueue.command_line.command import run_command
from taskqueue.dev.allocator import name_allocator
from taskqueue.dev.children import ChildError
from taskqueue.dev.declarations import find_gap
from taskqueue.dev.problem import find_problem
from taskqueue.dev.snapshot import take_snapshot
from taskqueue.dev.stack import STOP_SIGNALS, Stack, StackOptions
from taskqueue.dev.summary import Summary, summarize
from taskqueue.dev.watch import Watch
from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.store.retention import read_retention
from taskqueue.text.printable import printable_line
from taskqueue.text.terminal import unfiltered


def dev(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="Manifest file or folder; its handlers.py, if any, is loaded."),
    ],
    rate: RateOption = "100",
    for_: ForOption = None,
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="Number of worker processes.")] = 2,
    concurrency: Annotated[
        int, typer.Option(metavar="N", min=1, help="Concurrency slots of each worker.")
    ] = 50,
    schedulers: Annotated[int, typer.Option(metavar="N", min=1, help="Number of scheduler processes.")] = 1,
    redis_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Redis to use instead of an embedded server.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Run a folder of manifests on this machine until Ctrl-C or --for, and print a summary."""
    per_second = read_rate("--rate", rate)
    for_s = read_duration_ms(for_) / 1000 if for_ else None
    if not path.exists():
        fail(f"PATH must be a file or folder (was {path})", ExitCode.USAGE)
    options = StackOptions(path, per_second, workers, schedulers, redis_url, concurrency)
    raise typer.Exit(int(_show(options, for_s, as_json=as_json)))


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `taskqueue dev`. Raises SystemExit; docs/cli.md lists the exit codes."""
    run_command(dev, argv, "taskqueue dev")


def _show(options: StackOptions, for_s: float | None, *, as_json: bool) -> ExitCode:
    """Run a stack, print the summary, and return the exit code."""
    stream = unfiltered(sys.stderr if as_json else sys.stdout)
    console = Console(stderr=as_json, file=stream, highlight=False, markup=False, emoji=False)
    for number in STOP_SIGNALS:
        # The children must not outlive this process, before and after the watch as well.
        signal.signal(number, signal.default_int_handler)
    # A server of the user may have counted jobs before.
    earlier = with_store(options.redis, RELEASE_DEFAULT, audit).totals if options.redis is not None else {}
    console.print(f"starting the processes that run {printable_line(options.path)}", style="dim")
    # A server of the user may have types and users of its own.
    if options.redis is None and (gap := find_gap(options.path)):
        say(printable_line(gap))
    try:
        with Stack(options) as stack:
            summary = with_store(
                stack.redis_url, RELEASE_DEFAULT, lambda store: _run(stack, store, for_s, earlier, console)
            )
    except ChildError:
        return ExitCode.REFUSED
    if as_json:
        show_json(summary.fields(), indent=None)
    else:
        for name, value in summary.lines():
            console.print(f"{name:20} {value:>14}")
        for text in (*summary.limit_lines(), summary.verdict()):
            console.print(text, soft_wrap=True)
    if summary.problem:
        say(summary.problem)
    return summary.exit_code()


async def _run(
    stack: Stack, store: Store, for_s: float | None, earlier: Mapping[str, int], console: Console
) -> Summary:
    began_s = time.monotonic()
    running = await Watch(stack, store, console).run(for_s)
    ran_s = time.monotonic() - began_s
    console.print("draining: the scheduler ends, the workers finish what they began", style="dim")
    await asyncio.to_thread(stack.drain)
    summary = summarize(stack.options.rate, earlier, running, await take_snapshot(stack, store))
    problem = await asyncio.to_thread(find_problem, stack, summary, running, ran_s)
    stack.keeps_logs = problem is not None
    allocator = name_allocator((await read_retention(store)).allocator, stack.loaded_allocator)
    return replace(summary, allocator=allocator, problem=problem)
