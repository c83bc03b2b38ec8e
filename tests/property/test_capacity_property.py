"""Demand of any due work: zero when idle, never more than the limit can use."""

from hypothesis import example, given
from hypothesis import strategies as st

from taskqueue.plan.capacity import SHARES, Capacity, Due, QueueWork, Rate, busy_slots, capacity

DRAIN_S = 30.0
dues = st.dictionaries(
    st.sampled_from(sorted(SHARES)),
    st.builds(Due, st.integers(0, 10**6), st.floats(0, 600), st.floats(1, 100)),
)
slots = st.integers(1, 500)


def asks(due: dict[str, Due], running: int, rate: float, concurrency: int) -> Capacity:
    return capacity({"global": QueueWork(due, running)}, {"global": Rate(rate)}, concurrency, DRAIN_S)


rates = st.floats(0, 10_000)


@given(dues, st.integers(0, 10_000), rates, slots)
def test_replicas_lie_between_zero_and_the_useful_share(
    due: dict[str, Due], running: int, rate: float, concurrency: int
) -> None:
    asked = asks(due, running, rate, concurrency)
    target_s = concurrency * DRAIN_S
    assert 0 <= asked.work_s <= asked.uncapped_work_s
    assert asked.work_s <= asked.useful_replicas * target_s
    waits = any(lane.jobs for lane in due.values())
    assert (asked.work_s == 0) == (not waits and not running)
    if waits:
        assert asked.work_s >= target_s, "one job is enough for the first worker"


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.floats(0.001, 600), st.floats(1, 100), rates, slots)
def test_a_longer_backlog_never_exceeds_the_limit(
    jobs: int, more: int, service_s: float, cost: float, rate: float, concurrency: int
) -> None:
    short = asks({"normal": Due(jobs, service_s, cost)}, 0, rate, concurrency)
    long = asks({"normal": Due(jobs + more, service_s, cost)}, 0, rate, concurrency)
    assert long.useful_replicas == short.useful_replicas
    assert long.uncapped_work_s >= short.uncapped_work_s
    busy = rate / cost * service_s / concurrency
    assert busy <= long.useful_replicas <= max(1, busy + rate / cost * 0.02 / concurrency + 1)


@given(st.integers(1, 10_000), slots)
def test_running_jobs_keep_their_slots(running: int, concurrency: int) -> None:
    """No limit and no mean, however wrong, scales down under jobs that run."""
    asked = asks({}, running, 0, concurrency)
    assert asked.work_s == running * DRAIN_S
    assert (asked.useful_replicas - 1) * concurrency < running <= asked.useful_replicas * concurrency


@given(dues, st.integers(0, 1_000), rates, slots)
def test_a_higher_limit_never_asks_for_less(
    due: dict[str, Due], running: int, rate: float, concurrency: int
) -> None:
    asked = [asks(due, running, limit, concurrency) for limit in (rate, 2 * rate)]
    assert asked[0].work_s <= asked[1].work_s
    assert asked[0].uncapped_work_s == asked[1].uncapped_work_s


@given(rates, st.floats(0, 600), st.floats(1, 100))
@example(5e-324, 5e-324, 1.0)
def test_busy_slots_follow_little(rate: float, service_s: float, cost: float) -> None:
    busy = busy_slots(rate, {"normal": Due(1, service_s, cost)})
    assert rate / cost * service_s <= busy * (1 + 1e-9)
    assert busy <= rate / cost * (service_s + 0.02) * (1 + 1e-9)
