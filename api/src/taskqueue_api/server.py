"""uvicorn in the frame of a process: the frame handles signals, and stops the server."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from taskqueue_api.connection import Connection

#: Seconds that open requests get to end; live pages reconnect elsewhere.
_END_S = 5
#: Seconds without a request after which a connection is closed.
_KEEP_ALIVE_S = 60
#: Bytes of a request's line and headers.
_MAX_HEAD = 32_768
#: More than a burst brings: when the queue is full, the kernel of the caller retries only after a second.
_BACKLOG = 2_048


class Server(uvicorn.Server):
    """A server that leaves the signals to the frame."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def new_server(app: Any) -> Server:
    """Return a server of an ASGI app. It believes no header about its caller: those of a proxy need its secret."""
    config = uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        log_level="error",  # not each malformed request
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        date_header=True,
        h11_max_incomplete_event_size=_MAX_HEAD,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_END_S,
        ws="none",
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens: callers wait until the server accepts. Raises OSError if the port is taken."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
