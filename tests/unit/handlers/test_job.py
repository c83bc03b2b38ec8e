import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskqueue.handlers import Discard, Job, RateLimited, RetryLater
from taskqueue.testing import Permits


def job(occurrence: int | None = 1_700_000_000, ad_hoc_id: str | None = None, attempt: int = 1) -> Job:
    return Job("fetch", "u-1", occurrence, 0, {"secret": "s3cret"}, attempt, Permits(), ad_hoc_id)


def test_the_idempotency_key_is_the_same_for_every_attempt() -> None:
    assert {job(attempt=n).idempotency_key for n in (1, 2, 9)} == {"fetch/u-1/1700000000"}


def test_the_idempotency_key_of_an_ad_hoc_job_has_its_id() -> None:
    assert job(occurrence=None, ad_hoc_id="01J").idempotency_key == "fetch/u-1/~01J"


def test_the_repr_of_a_job_holds_no_params() -> None:
    assert "u-1" in repr(job())
    assert "s3cret" not in repr(job())


def test_a_job_holds_no_dict() -> None:
    assert not hasattr(job(), "__dict__")


async def test_permit_waits_for_its_grant() -> None:
    permits = Permits()
    asked = Job("fetch", "u-1", 1, 0, {}, 1, permits)
    await asked.permit()
    await asked.permit(cost=3)
    assert permits.costs == [1, 3]


@pytest.mark.parametrize("cost", [0, -1, 1_001, 10**30, math.nan, math.inf, 1.5, "3", None, b"1"])
async def test_a_permit_of_another_cost_is_refused_locally(cost: Any) -> None:
    permits = Permits()
    with pytest.raises(ValueError, match="must be a whole number from 1 to 1,000"):
        await Job("fetch", "u-1", 1, 0, {}, 1, permits).permit(cost)
    assert permits.costs == []


@settings(max_examples=200)
@given(st.floats())
def test_every_delay_is_finite_and_not_negative_or_refused(seconds: float) -> None:
    for make in (RateLimited, RetryLater):
        try:
            outcome = make(seconds)
        except ValueError:
            assert not math.isfinite(seconds)
        else:
            delay = outcome.retry_after_s if isinstance(outcome, RateLimited) else outcome.after_s
            assert delay == max(0.0, seconds)


def test_outcomes_have_readable_reprs() -> None:
    assert str(RetryLater(3, "stock is locked")) == "stock is locked"
    assert str(RetryLater()) == "Try again later."
    assert RetryLater().after_s is None
    assert str(Discard("no such shop")) == "no such shop"
    assert str(RateLimited(2.5, "shop")) == "the API asks to wait 2.5 s (limit shop)"
    assert str(RateLimited(1)) == "the API asks to wait 1 s"


@pytest.mark.parametrize("limit", ["", 5, ["shop"]])
def test_a_limit_to_close_is_a_name(limit: Any) -> None:
    with pytest.raises(ValueError, match="limit must be the name of a limit, or None"):
        RateLimited(1, limit)
