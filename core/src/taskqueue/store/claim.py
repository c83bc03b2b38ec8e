"""claim: one round trip settles a batch of results and takes the next jobs, each with its exact start."""

from collections.abc import Sequence
from enum import IntEnum
from functools import partial
from typing import Literal, NamedTuple

import msgspec

from taskqueue.store.connection import Store
from taskqueue.store.malformed import UNREADABLE_PARAMS
from taskqueue.store.script import Script
from taskqueue.store.wire import pack, packed


class Result(NamedTuple):
    """What became of a leased job.

    verb: d done · r retry after wait_ms · x dead because of `text` · l leave (not started, nothing consumed;
    wait_ms: not to be taken again before) · c the limit `text` (type, user or global) is closed for wait_ms.
    ran_us: how long its handler ran, 0 if it did not.
    """

    member: str
    verb: Literal["d", "r", "x", "l", "c"]
    wait_ms: int = 0
    text: str = ""
    ran_us: int = 0


class ClaimedJob(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A leased job. start_us: when it may start, server clock. failures and losses: attempts that went before."""

    member: str
    start_us: int
    params: str
    failures: int
    losses: int


class Alone(IntEnum):
    """What worker and store say to each other about suspects: jobs which may have taken a worker down.

    A worker says that it would run one, if it runs no other (WOULD), and that it is empty by now (NOW). The store asks
    it to become empty (WOULD), and says that the one job it gives is a suspect (NOW).
    """

    NOT_NOW = 0
    WOULD = 1
    NOW = 2


class Claim(msgspec.Struct, array_like=True, frozen=True):
    """The answer. rate -1: none set.

    come_back_us: when to call again, server clock; -1: as soon as there is room; 0: the time it has is enough.
    alone: what the worker has to do with suspects. closed_us: until when a handler shut the global limit, or 0.
    """

    now_us: int
    version: int
    rate: float
    come_back_us: int
    jobs: list[ClaimedJob]
    alone: Alone = Alone.NOT_NOW
    closed_us: int = 0


class _RawJob(msgspec.Struct, array_like=True, frozen=True):
    member: str
    start_us: int
    params: msgspec.Raw
    failures: int
    losses: int


class _RawClaim(msgspec.Struct, array_like=True, frozen=True):
    now_us: int
    version: int
    rate: float
    come_back_us: int
    jobs: list[_RawJob]
    alone: Alone = Alone.NOT_NOW
    closed_us: int = 0


_decode = packed(Claim)
_decode_raw = packed(_RawClaim)
_decode_text = packed(str)


def _read(answer: bytes) -> Claim | _RawClaim:
    try:
        return _decode(answer)
    except ValueError:  # params are the one part that is text of others
        return _decode_raw(answer)


_CLAIM = Script("claim", _read)


async def claim(
    store: Store,
    worker: str,
    seq: int,
    free_slots: int,
    lease_ms: int,
    results: Sequence[Result] = (),
    *,
    has_time: bool = False,
    alone: Alone = Alone.NOT_NOW,
) -> Claim:
    """Settles `results`, then takes at most `free_slots` jobs.

    has_time: the worker was told before when to come back, and that lies ahead: it needs no other time to poll.

    After an unknown outcome (any StoreFailure) repeat with the same seq and results: the same jobs come back.
    """
    blob = pack([tuple(result) for result in results])
    answer = await store.run(_CLAIM, worker, seq, free_slots, lease_ms, blob, int(has_time), int(alone))
    if isinstance(answer, Claim):
        return answer
    jobs = [_job(store, one) for one in answer.jobs]
    return Claim(
        answer.now_us, answer.version, answer.rate, answer.come_back_us, jobs, answer.alone, answer.closed_us
    )


def _job(store: Store, raw: "_RawJob") -> ClaimedJob:
    params = store.malformed.read(f"payload {raw.member}", partial(_decode_text, raw.params))
    return ClaimedJob(
        raw.member, raw.start_us, UNREADABLE_PARAMS if params is None else params, raw.failures, raw.losses
    )
