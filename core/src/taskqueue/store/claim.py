"""claim: one round trip settles a batch of results and leases the next jobs, each with its exact start."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import msgspec

from taskqueue.models.outcome import Outcome
from taskqueue.store.connection import Store
from taskqueue.store.malformed import UNREADABLE_PARAMS
from taskqueue.store.script import Script
from taskqueue.store.wire import pack, packed

#: Outcomes as scripts/lib/settle.lua reads them. A lost lease is settled by the store alone.
CODES: Mapping[Outcome, str] = {
    Outcome.DONE: "d",
    Outcome.RETRIED: "r",
    Outcome.DEAD: "x",
    Outcome.LIMITED: "c",
    Outcome.LATE: "l",
    Outcome.NO_THREAD: "l",
    Outcome.INTERRUPTED: "l",
    Outcome.RETURNED: "l",
}
#: The reverse, for outcomes that a subscription's record remembers.
REMEMBERED_OUTCOMES: Mapping[str, Outcome] = {
    CODES[outcome]: outcome for outcome in (Outcome.DONE, Outcome.DEAD)
}


class Result(NamedTuple):
    """The outcome of a leased job.

    lease: as it was claimed.
    wait_ms: until the job may be claimed again, or for how long its limit is closed.
    text: the reason of a dead letter; the limit to close, by name, empty for the type's default.
    ran_us: how long its handler ran, 0 if it did not.
    """

    lease: str
    outcome: Outcome
    wait_ms: int = 0
    text: str = ""
    ran_us: int = 0


_Params = TypeVar("_Params", str, msgspec.Raw)


class _Lease(msgspec.Struct, Generic[_Params], array_like=True, frozen=True, gc=False):
    lease: str
    start_us: int
    params: _Params
    failures: int
    losses: int
    apart_us: int | None = None


class JobLease(_Lease[str], array_like=True, frozen=True, gc=False):
    """A leased job. lease: the job's name, its worker and a sequence number (`job_name`).

    start_us: the earliest start, server clock. failures: failed attempts so far; losses: vanished workers so far.
    apart_us: time between the slots that a job of a cost above 1 holds; None: it holds its start alone.
    """


class _RawLease(_Lease[msgspec.Raw], array_like=True, frozen=True, gc=False):
    """A leased job with params that are not decoded."""


class Alone(IntEnum):
    """The exchange between worker and store about suspects: jobs that may have taken a worker down.

    A worker offers to run a suspect alone (WOULD), and reports that it is empty (NOW). The store asks the worker to
    become empty (WOULD), and marks the one job that it leases as a suspect (NOW).
    """

    NOT_NOW = 0
    WOULD = 1
    NOW = 2


_Job = TypeVar("_Job", JobLease, _RawLease)


class _Answer(msgspec.Struct, Generic[_Job], array_like=True, frozen=True):
    now_us: int
    version: int
    rate: float
    next_call_us: int
    jobs: list[_Job]
    alone: Alone = Alone.NOT_NOW
    closed_us: int = 0


class Claim(_Answer[JobLease], array_like=True, frozen=True):
    """The answer of claim. rate: starts per second of the global limit, -1 if none is set.

    next_call_us: the time of the next call, server clock; -1: as soon as there is room; 0: the time given before holds.
    alone: see Alone. closed_us: the time until which a handler closed the global limit, or 0.
    """


class _RawClaim(_Answer[_RawLease], array_like=True, frozen=True):
    """The answer of claim with params that are not decoded."""


_decode = packed(Claim)
_decode_raw = packed(_RawClaim)
_decode_text = packed(str)


def _read(answer: bytes) -> Claim | _RawClaim:
    try:
        return _decode(answer)
    except ValueError:  # params, the one text that applications write, are no UTF-8
        return _decode_raw(answer)


_CLAIM = Script("claim", _read)


async def claim(
    store: Store,
    worker: str,
    seq: int,
    max_jobs: int,
    lease_ms: int,
    results: Sequence[Result] = (),
    *,
    has_time: bool = False,
    alone: Alone = Alone.NOT_NOW,
) -> Claim:
    """Settle `results`, then lease at most `max_jobs` jobs.

    has_time: the next_call_us of an earlier answer still lies ahead: the answer needs no other time to poll.

    After an unknown effect (any StoreFailure) repeat the call with the same seq and results: it returns the same jobs.
    """
    done: list[str] = []  # two lists, and none for each job: the script reads them without a table for each
    times_us: list[int] = []
    others = []
    for lease, outcome, wait_ms, text, ran_us in results:
        if outcome is Outcome.DONE:
            done.append(lease)
            times_us.append(ran_us)
        else:
            others.append((lease, CODES[outcome], wait_ms, text, ran_us))
    blob = pack((done, times_us, others))
    answer = await store.run(_CLAIM, worker, seq, max_jobs, lease_ms, blob, int(has_time), int(alone))
    if isinstance(answer, Claim):
        return answer
    jobs = [_job(store, one) for one in answer.jobs]
    return Claim(
        answer.now_us, answer.version, answer.rate, answer.next_call_us, jobs, answer.alone, answer.closed_us
    )


def _job(store: Store, raw: _RawLease) -> JobLease:
    params = store.malformed.read(f"payload {raw.lease}", partial(_decode_text, raw.params))
    return JobLease(
        raw.lease,
        raw.start_us,
        UNREADABLE_PARAMS if params is None else params,
        raw.failures,
        raw.losses,
        raw.apart_us,
    )
