"""`taskqueue dev PATH`: a folder of manifests, run for real on this machine."""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

from taskqueue.cli.dev.arguments import Arguments
from taskqueue.cli.dev.children import ChildError
from taskqueue.cli.dev.problem import find_problem
from taskqueue.cli.dev.scrape import look
from taskqueue.cli.dev.stack import STOP_SIGNALS, Stack, Wanted
from taskqueue.cli.dev.summary import Summary, summarize
from taskqueue.cli.dev.watch import Watch
from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import say
from taskqueue.cli.options import RELEASE_DEFAULT
from taskqueue.cli.store_command import with_store
from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.audit import audit
from taskqueue.store.connection import Store
from taskqueue.text.printable import printable_line
from taskqueue.text.terminal import unfiltered


def main(argv: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C or --for, and print a summary; docs/cli.md says when the exit code is 4 or 7."""
    options = _parser().parse_args(argv)
    if not options.path.exists():
        say(f"there is no file or folder {options.path}")
        return ExitCode.USAGE
    stream = unfiltered(sys.stderr if options.json else sys.stdout)
    console = Console(stderr=options.json, file=stream, highlight=False, markup=False, emoji=False)
    wanted = Wanted(
        options.path,
        options.rate,
        options.workers,
        options.schedulers,
        options.redis_url,
        options.concurrency,
    )
    for number in STOP_SIGNALS:
        # Before and after the watch, too, the children must not outlive this process.
        signal.signal(number, signal.default_int_handler)
    # A server that is used again has counted before.
    earlier = with_store(wanted.redis, RELEASE_DEFAULT, audit).totals if wanted.redis is not None else {}
    console.print(f"starting the processes that run {printable_line(wanted.path)}", style="dim")
    try:
        with Stack(wanted) as stack:
            summary = with_store(
                stack.redis_url,
                RELEASE_DEFAULT,
                lambda store: _run(stack, store, options.for_s, earlier, console),
            )
    except ChildError:
        return ExitCode.REFUSED
    if options.json:
        print(json.dumps(asdict(summary)))
    else:
        for name, value in summary.lines():
            console.print(f"{name:20} {value:>14}")
        console.print(summary.verdict(), soft_wrap=True)
    if summary.problem:
        say(summary.problem)
    return summary.exit_code()


def _parser() -> Arguments:
    parser = Arguments(prog="taskqueue dev", description=__doc__)
    parser.add_argument(
        "path", type=Path, help="a file or folder of manifests; its handlers.py, if any, is loaded"
    )
    parser.add_argument(
        "--for", dest="for_s", type=_seconds, metavar="60s", help="stop by itself after this time"
    )
    parser.add_argument(
        "--rate", type=_more_than_none, default=100.0, help="the global limit R, starts a second (100)"
    )
    parser.add_argument("--workers", type=_count, default=2, help="worker processes (2)")
    parser.add_argument("--concurrency", type=_count, default=50, help="jobs a worker runs at a time (50)")
    parser.add_argument("--schedulers", type=_count, default=1, help="scheduler processes (1)")
    parser.add_argument("--redis-url", metavar="URL", help="use this server instead of one of its own")
    parser.add_argument("--json", action="store_true", help="no view; print the summary as one JSON object")
    return parser


def _more_than_none(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return value


def _seconds(text: str) -> float:
    try:
        return parse_positive_ms(text) / 1000
    except ValueRefusedError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


async def _run(
    stack: Stack, store: Store, for_s: float | None, earlier: Mapping[str, int], console: Console
) -> Summary:
    began_s = time.monotonic()
    running = await Watch(stack, store, console).run(for_s)
    ran_s = time.monotonic() - began_s
    console.print("draining: the scheduler ends, the workers finish what they began", style="dim")
    await asyncio.to_thread(stack.drain)
    summary = summarize(stack.wanted.rate, earlier, running, await look(stack, store))
    problem = await asyncio.to_thread(find_problem, stack, summary, running, ran_s)
    stack.keeps_logs = problem is not None
    return replace(summary, problem=problem)
