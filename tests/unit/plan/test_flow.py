"""The flow through one limit: what passes is what came, later."""

from itertools import accumulate

import pytest

from taskqueue.plan.demand import Step
from taskqueue.plan.flow import backlog, merge, passed, waits

HOUR = 3600
#: 10, 40, 0 and 10 slots a second, for an hour, an hour, two hours, and the rest of a day.
STEPS = [
    Step(0, HOUR, 10),
    Step(HOUR, 2 * HOUR, 40),
    Step(2 * HOUR, 4 * HOUR, 0),
    Step(4 * HOUR, 24 * HOUR, 10),
]


def slots(steps: list[Step]) -> list[float]:
    return list(accumulate(step.rate * (step.end_s - step.start_s) for step in steps))


@pytest.mark.parametrize("capacity", [12, 20, 25, 40])
@pytest.mark.parametrize("burst", [1, 1_000, 1_000_000])
def test_a_day_passes_on_what_is_due(capacity: float, burst: int) -> None:
    found = backlog(STEPS, capacity, burst)
    after = passed(STEPS, found.levels, capacity)
    assert slots(after)[-1] == pytest.approx(slots(STEPS)[-1])
    assert [step.start_s for step in after[1:]] == [step.end_s for step in after[:-1]]
    assert max(step.rate for step in after) <= (capacity if burst == 1 else 40)


def test_a_backlog_passes_at_the_capacity_until_it_ends() -> None:
    found = backlog(STEPS, 20)
    assert found.levels == [0, 0, 20 * HOUR, 0, 0]
    assert passed(STEPS, found.levels, 20) == [
        Step(0, HOUR, 10),
        Step(HOUR, 2 * HOUR, 20),
        Step(2 * HOUR, 3 * HOUR, 20),
        Step(3 * HOUR, 4 * HOUR, 0),
        Step(4 * HOUR, 24 * HOUR, 10),
    ]


def test_a_burst_passes_at_once() -> None:
    found = backlog(STEPS, 20, burst=10 * HOUR + 1)
    assert passed(STEPS, found.levels, 20)[1:3] == [
        Step(HOUR, 1.5 * HOUR, 40),
        Step(1.5 * HOUR, 2 * HOUR, 20),
    ]


def test_jobs_out_of_order_wait_until_the_backlog_ends() -> None:
    found = backlog(STEPS, 20)
    assert waits(STEPS, found, 20, in_order=True) == [0, HOUR, HOUR, 0]
    assert waits(STEPS, found, 20, in_order=False) == [0, 2 * HOUR, HOUR, 0]


def test_a_backlog_at_midnight_ends_the_next_day() -> None:
    evening = [Step(0, 23 * HOUR, 10), Step(23 * HOUR, 24 * HOUR, 30)]
    found = backlog(evening, 20)
    assert waits(evening, found, 20, in_order=False) == [HOUR, 2 * HOUR]


def test_jobs_out_of_order_may_wait_for_ever_where_the_backlog_lasts() -> None:
    lasting = [Step(0, 24 * HOUR, 30)]
    assert waits(lasting, backlog(lasting, 20), 20, in_order=False) == [float("inf")]


def test_flows_add_up() -> None:
    assert merge([[Step(0, 10, 1)], [Step(0, 5, 2), Step(5, 10, 4)]]) == [Step(0, 5, 3), Step(5, 10, 5)]
