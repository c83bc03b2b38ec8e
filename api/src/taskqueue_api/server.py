"""uvicorn in the frame of a process: the frame handles signals, and stops the server."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

#: Seconds that open requests get to end; live pages reconnect elsewhere.
_END_S = 5
#: Bytes of a request's line and headers.
_MAX_HEAD = 32_768


class Server(uvicorn.Server):
    """A server that leaves the signals to the frame."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def new_server(app: Any) -> Server:
    """Return a server of an ASGI app. It believes no header about its caller: those of a proxy need its secret."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        date_header=True,
        h11_max_incomplete_event_size=_MAX_HEAD,
        timeout_graceful_shutdown=_END_S,
        ws="none",
    )
    return Server(config)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises OSError, for example if the port is taken."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except BaseException:
        listening.close()
        raise
    return listening
