"""Outcomes of an attempt: the one list that metrics, results, the store's protocol and the documentation follow.

A new outcome is a line here, its letter in `taskqueue.store.claim`, and a function in `taskqueue_worker.results` that
makes its result; `tests/unit/repo/test_one_place.py` names the pages that must list it.
"""

from enum import StrEnum
from typing import Self


class Outcome(StrEnum):
    """The end of an attempt. The value is the label `outcome` of `taskqueue_jobs_total`.

    meaning: the sentence of the documentation.   Letters of the store's protocol: `taskqueue.store.claim`.
    """

    meaning: str

    DONE = "done", "The handler returned."
    RETRIED = "retried", "The handler raised or timed out; the job runs again, with an attempt used."
    DEAD = "dead", "The last attempt failed, or the handler raised `Discard`; the job is a dead letter."
    LIMITED = "limited", "The handler raised `RateLimited`; the limit is closed and the job waits for it."
    LATE = "late", "The job missed its slot of the limit before its handler began; it takes another slot."
    NO_THREAD = "no-thread", "No thread was free within the job's timeout; the job is due again in 2 to 3 s."
    CANCELLED = "cancelled", "The worker ended before the handler did; the job runs again elsewhere."
    RETURNED = "returned", "The worker gave the job back before its handler was called."
    LOST = "lost", "The lease ran out, so another worker has the job; the handler is cancelled."

    def __new__(cls, value: str, meaning: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


#: Outcomes of a handler that ran to its end, so that its time counts as the type's service time.
RAN = frozenset({Outcome.DONE, Outcome.RETRIED, Outcome.DEAD, Outcome.LIMITED})
