"""The process of the API and the console."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import NoReturn

from taskqueue.client import Client
from taskqueue.command_line.command import run_command
from taskqueue.process.event_loop import new_uvloop
from taskqueue.process.frame import ExitError, Process, Work, run
from taskqueue.process.settings import settings_command
from taskqueue_api.application import guarded_app
from taskqueue_api.guard import LOOPBACK
from taskqueue_api.live.reader import Reader
from taskqueue_api.parts import Parts
from taskqueue_api.server import listen, new_server
from taskqueue_api.settings import ApiSettings
from taskqueue_api.sign_in.credentials import Credentials
from taskqueue_api.sign_in.sessions import SignIn

EXIT_BAD_SETTINGS = 2


def serve(settings: ApiSettings) -> int:
    """Run the API until a signal, and return its exit code."""
    return run(Process(name="api", settings=settings, open=partial(_open, settings), new_loop=new_uvloop))


command = settings_command(ApiSettings, serve)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `taskqueue api`. Raises SystemExit."""
    run_command(command, argv, "taskqueue api")


@asynccontextmanager
async def _open(settings: ApiSettings) -> AsyncIterator[Work]:
    if settings.host not in LOOPBACK and settings.credentials is None:
        event = "host must be loopback without credentials: set --credentials"
        raise ExitError(event, EXIT_BAD_SETTINGS, host=settings.host)
    try:
        listening = listen(settings.host, settings.port)
    except OSError as error:
        raise ExitError("cannot listen", host=settings.host, port=settings.port, error=str(error)) from error
    port = listening.getsockname()[1]
    async with settings.open_store() as store:
        client = Client(store)
        sign_in = SignIn(Credentials(settings.credentials), settings)
        reader = Reader(store)
        server = new_server(guarded_app(Parts(settings, store, client, sign_in, reader)))
        ended = asyncio.Event()

        async def serving() -> None:
            try:
                await server.serve([listening])
            finally:
                ended.set()

        async def drain() -> None:
            server.should_exit = True
            await reader.close()
            await ended.wait()

        yield Work(
            tasks=(serving, reader.run),
            live=lambda: None,
            ready=reader.fault,
            drain=drain,
            fields={"address": f"http://{settings.host}:{port}"},
        )
