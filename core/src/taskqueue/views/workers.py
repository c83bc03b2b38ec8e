"""Workers that sent a heartbeat in the last hour, a row each."""

from typing import Any

from taskqueue.store.clock import server_now_ms
from taskqueue.store.connection import Store
from taskqueue.store.listing import read_workers
from taskqueue.views.instant import at
from taskqueue.views.view import Instant, View


class WorkerRow(View):
    """A worker. seen: its last heartbeat, `silent_seconds` ago.   info: sent by the worker."""

    worker: str
    seen: Instant
    silent_seconds: float
    info: dict[str, Any]


async def list_workers(store: Store) -> list[WorkerRow]:
    """Return a row for each worker, by name."""
    now_ms = await server_now_ms(store)
    return [
        WorkerRow(
            worker=one.worker,
            seen=at(one.seen_ms),
            silent_seconds=max(0, now_ms - one.seen_ms) / 1000,
            info=one.info,
        )
        for one in await read_workers(store)
    ]
