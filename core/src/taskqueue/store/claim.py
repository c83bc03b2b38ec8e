"""claim: one round trip settles a batch of results and takes the next jobs, each with its exact start."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import partial
from typing import NamedTuple

import msgspec

from taskqueue.models.outcome import Outcome
from taskqueue.store.connection import Store
from taskqueue.store.errors import decoded
from taskqueue.store.malformed import UNREADABLE_PARAMS

_encode = msgspec.msgpack.Encoder().encode

#: Outcomes as scripts/lib/settle.lua reads them. A lost lease is settled by the store alone.
LETTERS: Mapping[Outcome, str] = {
    Outcome.DONE: "d",
    Outcome.RETRIED: "r",
    Outcome.DEAD: "x",
    Outcome.LIMITED: "c",
    Outcome.LATE: "l",
    Outcome.NO_THREAD: "l",
    Outcome.CANCELLED: "l",
    Outcome.RETURNED: "l",
}
#: The reverse, for outcomes that a subscription's record remembers.
OUTCOMES: Mapping[str, Outcome] = {LETTERS[outcome]: outcome for outcome in (Outcome.DONE, Outcome.DEAD)}


class Result(NamedTuple):
    """The outcome of a leased job.

    wait_ms: until the job may be claimed again, or for how long its limit is closed.
    text: the reason of a dead letter; the scope of a closed limit (type, user or global).
    ran_us: how long its handler ran, 0 if it did not.
    """

    member: str
    outcome: Outcome
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


_decode = msgspec.msgpack.Decoder(Claim).decode
_decode_raw = msgspec.msgpack.Decoder(_RawClaim).decode
_decode_text = msgspec.msgpack.Decoder(str).decode


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

    After any StoreFailure repeat with the same seq and results: the same jobs come back.
    """
    blob = _encode(
        [
            (member, LETTERS[outcome], wait_ms, text, ran_us)
            for member, outcome, wait_ms, text, ran_us in results
        ]
    )
    answer = await store.run("claim", worker, seq, free_slots, lease_ms, blob, int(has_time), int(alone))
    try:
        return _decode(answer)
    except ValueError:  # params are the one part that is text of others
        raw = decoded(_decode_raw, answer, "the answer of claim")
    jobs = [_job(store, one) for one in raw.jobs]
    return Claim(raw.now_us, raw.version, raw.rate, raw.come_back_us, jobs, raw.alone, raw.closed_us)


def _job(store: Store, raw: "_RawJob") -> ClaimedJob:
    params = store.malformed.read(f"payload {raw.member}", partial(_decode_text, raw.params))
    return ClaimedJob(
        raw.member, raw.start_us, UNREADABLE_PARAMS if params is None else params, raw.failures, raw.losses
    )
