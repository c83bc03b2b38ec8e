"""Watches a server that is about to lose its place: until when clients' scripts still succeeded on it."""

import threading
import time
from contextlib import suppress
from typing import Self

import redis

from tests.support.store.server import RedisServer

_POLL_S = 0.05


class Writes:
    """last_s: when the last script was seen to have succeeded while the server was a primary (epoch s)."""

    def __init__(self, server: RedisServer) -> None:
        self.last_s = 0.0
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        before = self._server.scripts_done()
        while not self._over.wait(_POLL_S):
            with suppress(redis.RedisError, OSError):
                if not self._server.is_primary():
                    continue
                done = self._server.scripts_done()
                if done > before:
                    self.last_s = time.time()
                before = done
