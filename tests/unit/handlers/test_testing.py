import pytest

from taskqueue.handlers import Discard, Job, RateLimited, RetryLater
from taskqueue.models.outcome import Outcome
from taskqueue.testing import Result, run_handler, run_handler_async


async def behave(job: Job) -> None:
    for cost in job.params.get("permits", []):
        await job.permit(cost)
    error = job.params.get("raise")
    if error is not None:
        raise error


def test_a_returning_handler_is_done_and_its_permits_recorded() -> None:
    assert run_handler(behave, params={"permits": [1, 4]}) == Result(Outcome.DONE, permits=(1, 4))


@pytest.mark.parametrize(
    ("error", "outcome", "delay_s", "reason"),
    [
        (RetryLater(5, "locked"), "retried", 5.0, "locked"),
        (RetryLater(), "retried", None, "Try again later."),
        (Discard("gone"), "dead", None, "gone"),
        (RateLimited(2, "shop"), "limited", 2.0, "the API asks to wait 2 s (limit shop)"),
        (KeyError("shop"), "retried", None, "KeyError: 'shop'"),
    ],
)
def test_an_exception_of_a_handler_is_its_outcome(
    error: Exception, outcome: str, delay_s: float | None, reason: str
) -> None:
    result = run_handler(behave, params={"permits": [2], "raise": error})
    assert (result.outcome, result.delay_s, result.reason) == (outcome, delay_s, reason)
    assert result.permits == (2,)
    assert result.error is error


def test_a_handler_sees_the_test_job() -> None:
    seen: list[Job] = []
    run_handler(seen.append, type="fetch", user="u-9", params={"a": 1}, attempt=3)
    [job] = seen
    assert (job.type, job.user, job.params, job.attempt) == ("fetch", "u-9", {"a": 1}, 3)
    assert job.idempotency_key == f"fetch/u-9/{job.occurrence}"
    assert job.due_ms == (job.occurrence or 0) * 1000


async def test_permits_can_be_refused_by_the_test() -> None:
    async def refuse(cost: int) -> None:
        raise RetryLater(1, f"no {cost}")

    result = await run_handler_async(behave, params={"permits": [3]}, permits=refuse)
    assert (result.outcome, result.reason, result.permits) == ("retried", "no 3", (3,))
