"""The dead letters: jobs that used up their attempts, bounded by count (10,000) and age (30 days)."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from taskqueue.store.connection import Store

_encode = msgspec.msgpack.Encoder().encode


class _Body(msgspec.Struct):
    reason: str
    failures: int
    losses: int
    at: int
    payload: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """job: its name. at_ms: when it died. failures and losses: failed attempts and vanished workers."""

    job: str
    at_ms: int
    reason: str
    failures: int
    losses: int
    payload: str


async def read_dead(store: Store, offset: int = 0, most: int = 100) -> list[DeadLetter]:
    """The newest dead letters first."""
    names = await store.read("ZREVRANGE", store.keys("dead"), offset, offset + most - 1)
    return await _bodies(store, names) if names else []


async def find_dead(store: Store, job: str) -> DeadLetter | None:
    found = await _bodies(store, [job.encode()])
    return found[0] if found else None


async def _bodies(store: Store, names: Sequence[bytes]) -> list[DeadLetter]:
    values = await store.read("HMGET", store.keys("dead:body"), *names)
    letters = []
    for name, value in zip(names, values, strict=True):
        if value is not None:
            body = msgspec.msgpack.decode(value, type=_Body)
            letters.append(
                DeadLetter(name.decode(), body.at, body.reason, body.failures, body.losses, body.payload)
            )
    return letters


async def retry_dead(store: Store, jobs: Sequence[str]) -> int:
    """Puts dead letters back into their lanes, with a clean record and no deadline; returns how many."""
    return int(await store.run("redrive", "retry", _encode(list(jobs))))


async def purge_dead(store: Store, jobs: Sequence[str]) -> int:
    """Deletes dead letters; returns how many."""
    return int(await store.run("redrive", "purge", _encode(list(jobs))))
