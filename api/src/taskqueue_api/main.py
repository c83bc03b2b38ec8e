"""The process of the API and the console."""

import asyncio
import socket
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
from taskqueue_api.live.reader import Reader
from taskqueue_api.parts import Parts
from taskqueue_api.reachable import Reachable
from taskqueue_api.server import listen, new_server
from taskqueue_api.settings import ApiSettings
from taskqueue_api.sign_in.authentication import SignIn
from taskqueue_api.sign_in.credentials import CredentialsRefusedError
from taskqueue_api.sign_in.credentials_folder import CredentialsFolder
from taskqueue_api.sign_in.throttle import Throttle

EXIT_BAD_SETTINGS = 2


def serve(settings: ApiSettings) -> int:
    """Run the API until a signal, and return its exit code."""
    return run(Process(name="api", settings=settings, open=partial(open_api, settings), new_loop=new_uvloop))


command = settings_command(ApiSettings, serve)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run `taskqueue api`. Raises SystemExit."""
    run_command(command, argv, "taskqueue api")


@asynccontextmanager
async def open_api(settings: ApiSettings) -> AsyncIterator[Work]:
    """Open the parts of the process. Raises ExitError."""
    folder = _read_credentials(settings)
    listening = _listen(settings)
    port = listening.getsockname()[1]
    async with settings.open_store() as store:
        reader, reachable = Reader(store), Reachable(store)
        sign_in = SignIn(folder, Throttle(), settings)
        server = new_server(guarded_app(Parts(settings, store, Client(store), sign_in, reader)))
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
            tasks=(serving, reader.run, reachable.run, folder.follow),
            live=lambda: None,  # the loop that answers probes is the one that answers requests
            ready=reachable.fault,
            note=folder.note,
            drain=drain,
            fields={"address": f"http://{_written(settings.host)}:{port}"},
        )


def _read_credentials(settings: ApiSettings) -> CredentialsFolder:
    """Read the credentials, and check that the settings agree with them. Raises ExitError."""
    try:
        folder = CredentialsFolder(settings.credentials)
    except CredentialsRefusedError as error:
        raise ExitError("credentials refused", EXIT_BAD_SETTINGS, faults=list(error.args)) from None
    if not settings.is_loopback and not folder.exists:
        event = "host must be loopback without credentials: set --credentials"
        raise ExitError(event, EXIT_BAD_SETTINGS, host=settings.host)
    if settings.editor_groups and not folder.current.proxy_secret:
        event = "editor_groups needs a proxy: set --credentials to a folder with proxy-secret"
        raise ExitError(event, EXIT_BAD_SETTINGS)
    return folder


def _listen(settings: ApiSettings) -> socket.socket:
    """Return the socket of the API. Raises ExitError."""
    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        raise ExitError("cannot listen", host=settings.host, port=settings.port, error=str(error)) from error


def _written(host: str) -> str:
    """Return a host as URLs have it."""
    return f"[{host}]" if ":" in host else host
