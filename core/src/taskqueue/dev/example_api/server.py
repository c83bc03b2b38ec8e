"""The server of the example API, and its command."""

import asyncio
import errno
import gc
import socket
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
BACKLOG = 1024


def listen(host: str, port: int, *, or_free: bool) -> socket.socket:
    """Return a listening socket; or_free: on a free port if `port` is taken. Raises OSError."""
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        if not or_free or error.errno != errno.EADDRINUSE:
            raise
        return socket.create_server((host, 0), backlog=BACKLOG)


async def serve(listening: socket.socket, rate: int, record: BinaryIO | None) -> None:
    """Serve until SIGTERM or SIGINT, then stop at once. Prints `listening HOST:PORT` when requests are answered."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    set_on(stop, loop)
    arrivals = Arrivals(rate, record)
    connections = set[Connection]()
    server = await loop.create_server(
        lambda: Connection(arrivals, connections), sock=listening, backlog=BACKLOG
    )
    host, port = listening.getsockname()[:2]
    print(f"listening {host}:{port}", flush=True)
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
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8099,
    or_free: Annotated[bool, typer.Option("--or-free", help="Take a free port if PORT is taken.")] = False,
    rate: Annotated[int, typer.Option(metavar="N", help="Requests allowed in any second.")] = 100,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to which each arrival is written, as a line of JSON."),
    ] = None,
) -> None:
    """Serve an API that allows a number of requests in any second, and counts what reaches it."""
    with ExitStack() as stack:
        try:
            listening = stack.enter_context(listen(host, port, or_free=or_free))
        except OSError as error:
            raise typer.BadParameter(
                f"must be an address of this machine and a free port, or port 0 for any (was {host}:{port}: "
                f"{str(error.strerror).partition(' (')[0]})",
                param_hint="--host and --port",
            ) from error
        file = stack.enter_context(record.open("wb", RECORD_BUFFER_BYTES)) if record else None
        gc.collect()
        gc.freeze()
        gc.disable()
        # uvloop reads sockets sooner, so that stamps are closer to the truth.
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(serve(listening, rate, file))
            keep(0)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `taskqueue example-api`. Raises SystemExit."""
    run_command(example_api, argv, "taskqueue example-api")
