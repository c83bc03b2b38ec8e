"""Outcomes of an attempt: the one list that metrics, results, the store's protocol and the documentation follow.

CONTRIBUTING.md lists the places of a new outcome; `tests/unit/repo/test_one_place.py` names a forgotten one.
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
    INTERRUPTED = "interrupted", "The worker ended before the handler did; the job runs again elsewhere."
    RETURNED = "returned", "The worker gave the job back before its handler was called."
    LOST = (
        "lost",
        "The lease is gone: it ran out, or the job was replaced or cancelled. The handler is cancelled.",
    )

    def __new__(cls, value: str, meaning: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


#: Outcomes of a handler that ran to its end, so that its time counts as the type's service time.
RAN = frozenset({Outcome.DONE, Outcome.RETRIED, Outcome.DEAD, Outcome.LIMITED})
