"""Runs a handler in its tests as a worker would, without Redis and without a worker.

result = run_handler(fetch_orders, user="u-7", params={"region": "eu"})
assert result.outcome == "done"
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from taskqueue.handlers.dispatch import runnable
from taskqueue.handlers.job import Job
from taskqueue.handlers.registry import Function
from taskqueue.handlers.threads import Threads
from taskqueue.handlers.verdict import read_verdict
from taskqueue.models.outcome import Outcome

__all__ = ["Permits", "Result", "run_handler", "run_handler_async"]


class Permits:
    """Records the cost of every permit, then grants it: at once, or when `grant` returns."""

    def __init__(self, grant: Callable[[int], Awaitable[None]] | None = None) -> None:
        self.costs: list[int] = []
        self._grant = grant

    async def __call__(self, cost: int, limit: str | None = None) -> None:
        """Grant a permit of any limit."""
        del limit  # in a worker, the store decides by it
        self.costs.append(cost)
        if self._grant is not None:
            await self._grant(cost)


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one attempt: done, retried, dead or limited; it equals its word, as in `== "done"`.

    delay_s: seconds that the handler asked to wait; None for the type's backoff, and when done or dead.
    permits: the cost of each further permit; the first permit is the job's start and is not listed.
    error: the exception of the handler. The last attempt's `retried` is `dead` in a worker, which counts attempts.
    """

    outcome: Outcome
    delay_s: float | None = None
    reason: str = ""
    permits: tuple[int, ...] = ()
    error: Exception | None = None


async def run_handler_async(
    fn: Function,
    *,
    type: str = "test",  # noqa: A002 - the word manifests use
    user: str = "u-1",
    params: Mapping[str, Any] | None = None,
    attempt: int = 1,
    permits: Callable[[int], Awaitable[None]] | None = None,
) -> Result:
    """Run one attempt of a scheduled job, due now; a handler that is not async runs in a thread.

    permits: awaited with the cost of each permit, and may wait or raise; by default each is granted at once.
    """
    recorded = Permits(permits)
    now_s = int(time.time())
    job = Job(type, user, now_s, now_s * 1000, params or {}, attempt, recorded)
    outcome, delay_s, reason, error = await _run(fn, job)
    return Result(outcome, delay_s, reason, tuple(recorded.costs), error)


def run_handler(
    fn: Function,
    *,
    type: str = "test",  # noqa: A002 - the word manifests use
    user: str = "u-1",
    params: Mapping[str, Any] | None = None,
    attempt: int = 1,
    permits: Callable[[int], Awaitable[None]] | None = None,
) -> Result:
    """Run `run_handler_async` in an event loop of its own, for tests that are not async."""
    return asyncio.run(
        run_handler_async(fn, type=type, user=user, params=params, attempt=attempt, permits=permits)
    )


async def _run(fn: Function, job: Job) -> tuple[Outcome, float | None, str, Exception | None]:
    with Threads(1) as threads:
        try:
            await runnable(fn, threads)(job)
        except Exception as error:  # noqa: BLE001 - as in a worker, any exception is an outcome
            verdict = read_verdict(error)
            return verdict.outcome, verdict.delay_s, verdict.reason, error
    return Outcome.DONE, None, "", None
