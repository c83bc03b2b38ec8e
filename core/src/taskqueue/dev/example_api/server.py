"""The server of the example API, and its command."""

import asyncio
import gc
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn

import typer

from taskqueue.command_line.command import run_command
from taskqueue.dev.example_api.arrivals import Arrivals
from taskqueue.dev.example_api.connection import Connection
from taskqueue.process.stop_signals import keep, set_on

try:
    from uvloop import new_event_loop
except ImportError:  # not on every platform
    from asyncio import new_event_loop  # type: ignore[assignment]

RECORD_BUFFER_BYTES = 1_048_576
#: Seconds between two flushes of the record, and between two checks of idle connections.
INTERVAL_S = 0.5


async def serve(host: str, port: int, rate: int, record: BinaryIO | None) -> None:
    """Serve until SIGTERM or SIGINT, then stop at once. Prints `listening HOST:PORT` when the port is open."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    set_on(stop, loop)
    arrivals = Arrivals(rate, record)
    connections = set[Connection]()
    server = await loop.create_server(lambda: Connection(arrivals, connections), host, port, backlog=1024)
    print(f"listening {host}:{server.sockets[0].getsockname()[1]}", flush=True)
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), INTERVAL_S)
        now_ns = time.monotonic_ns()
        for connection in list(connections):
            connection.expire(now_ns)
        if record:
            record.flush()
    server.close()


def example_api(
    host: Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", help="Port to listen on; 0 takes a free one.")] = 8099,
    rate: Annotated[int, typer.Option(metavar="N", help="Requests allowed in any second.")] = 100,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to which each arrival is written, as a line of JSON."),
    ] = None,
) -> None:
    """Serve an API that allows a number of requests in any second, and counts what reaches it."""
    with ExitStack() as stack:
        file = stack.enter_context(record.open("wb", RECORD_BUFFER_BYTES)) if record else None
        gc.collect()
        gc.freeze()
        gc.disable()
        # uvloop reads sockets sooner, so that stamps are closer to the truth.
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(serve(host, port, rate, file))
            keep(0)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `taskqueue example-api`. Raises SystemExit."""
    run_command(example_api, argv, "taskqueue example-api")
