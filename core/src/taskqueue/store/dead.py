"""Dead letters: jobs that used up their attempts, bounded by count (10,000) and age (30 days)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from taskqueue.store.command import hmget, zrevrange
from taskqueue.store.connection import Store
from taskqueue.store.malformed import UNREADABLE_PARAMS, location_of
from taskqueue.store.scalars import END_MS
from taskqueue.store.script import Script
from taskqueue.store.wire import pack

_REDRIVE = Script("redrive", int)
#: Jobs that one call moves or looks for; a longer one would keep workers from the store.
_BATCH = 500


class _Body(msgspec.Struct):
    reason: str
    failures: int
    losses: int
    at: int
    payload: msgspec.Raw = msgspec.Raw(b"\xa0")


_decode = msgspec.msgpack.Decoder(_Body).decode


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """job: its name. at_ms: the time of its last attempt. failures: failed attempts; losses: vanished workers."""

    job: str
    at_ms: int
    reason: str
    failures: int
    losses: int
    payload: str


async def read_dead(store: Store, offset: int = 0, most: int = 100) -> list[DeadLetter]:
    """Read a page of dead letters, the newest first."""
    names = await store.read(zrevrange(store.keys("dead"), offset, offset + most - 1))
    return await _bodies(store, names) if names else []


async def find_dead(store: Store, job: str) -> DeadLetter | None:
    """Read the dead letter of a job; None if there is none."""
    found = await _bodies(store, [job.encode()])
    return found[0] if found else None


async def find_all_dead(store: Store, jobs: Sequence[str]) -> list[DeadLetter]:
    """Read the dead letters of those among `jobs` that have one, many jobs a round trip."""
    letters = []
    for start in range(0, len(jobs), _BATCH):
        letters += await _bodies(store, [job.encode() for job in jobs[start : start + _BATCH]])
    return letters


async def _bodies(store: Store, names: Sequence[bytes]) -> list[DeadLetter]:
    values = await store.read(hmget(store.keys("dead:body"), *names))
    letters = []
    for name, value in zip(names, values, strict=True):
        if value is not None:
            letter = store.malformed.read(
                location_of("dead:body", name), partial(read_dead_letter, name, value)
            )
            letters.append(letter or DeadLetter(_whole(name), 0, "its record cannot be read", 0, 0, ""))
    return letters


def _whole(name: bytes) -> str:
    """Return the name of a job, which is never cut: a command takes it back."""
    return name.decode(errors="backslashreplace")


def read_dead_letter(name: bytes, value: bytes) -> DeadLetter:
    """Read a dead letter; params that are no text are left out. Raises any error of UNREADABLE."""
    body = _decode(value)
    if not 0 <= body.at < END_MS:
        raise ValueError(body.at)
    try:
        payload = msgspec.msgpack.decode(body.payload, type=str)
    except ValueError:
        payload = UNREADABLE_PARAMS
    return DeadLetter(_whole(name), body.at, body.reason, body.failures, body.losses, payload)


async def retry_dead(store: Store, jobs: Sequence[str]) -> int:
    """Put dead letters back into their lanes, with no failures and no deadline; return their number."""
    return await store.run(_REDRIVE, "retry", pack(list(jobs)))


async def purge_dead(store: Store, jobs: Sequence[str]) -> int:
    """Delete dead letters; return their number."""
    return await store.run(_REDRIVE, "purge", pack(list(jobs)))


async def move_in_batches(
    move: Callable[[Store, Sequence[str]], Awaitable[int]], store: Store, jobs: Sequence[str]
) -> AsyncIterator[int]:
    """Apply `retry_dead` or `purge_dead` to any number of jobs; yield the number of dead letters of each batch."""
    for start in range(0, len(jobs), _BATCH):
        yield await move(store, jobs[start : start + _BATCH])
