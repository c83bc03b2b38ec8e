"""Results of verdicts: a worker reports the outcome that a handler asked for, as `run_handler` shows it."""

import pytest
from structlog.testing import capture_logs

from taskqueue.handlers import Discard, RateLimited, RetryLater
from taskqueue.handlers.outcomes import OutcomeRequest
from taskqueue.handlers.verdict import read_verdict
from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.testing import run_handler
from taskqueue_worker.leased_job import LeasedJob
from taskqueue_worker.results import judged
from taskqueue_worker.task_types import BoundType

REQUESTS = {RetryLater: RetryLater(1), Discard: Discard("gone"), RateLimited: RateLimited(2)}


def test_every_request_has_a_case() -> None:
    assert REQUESTS.keys() == set(OutcomeRequest.__subclasses__())


@pytest.mark.parametrize("request_class", REQUESTS)
def test_a_worker_reports_the_requested_outcome(request_class: type[OutcomeRequest]) -> None:
    def ask(_job: object) -> None:
        raise REQUESTS[request_class]

    bound = BoundType(TaskType("sync", Schedule(interval_s=60)), None)
    leased = LeasedJob("sync|u|60|0|0|w|1", bound, "", 0, 0, 0.0, 0.0)
    result = judged(leased, read_verdict(REQUESTS[request_class]))
    assert result is not None
    assert result.outcome is run_handler(ask).outcome


@pytest.mark.parametrize(
    ("named", "closed"), [(None, ""), ("app", "app"), ("global", "global"), ("else", ""), ("type:sync", "")]
)
def test_a_limit_from_which_the_job_takes_nothing_is_not_closed(named: str | None, closed: str) -> None:
    bound = BoundType(TaskType("sync", Schedule(interval_s=60)), None, closable=frozenset({"global", "app"}))
    leased = LeasedJob("sync|u|60|0|0|w|1", bound, "", 0, 0, 0.0, 0.0)
    with capture_logs() as logs:
        result = judged(leased, read_verdict(RateLimited(2, named)))
    assert result is not None
    assert (result.outcome, result.text) == (Outcome.LIMITED, closed)
    refused = [entry for entry in logs if entry["event"] == "limit not closed, the job takes nothing from it"]
    assert [(entry["limit"], entry["limits"]) for entry in refused] == (
        [(named, ["app", "global"])] if named and not closed else []
    )
