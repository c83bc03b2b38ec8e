"""Demand of due work, by example, and closed loops of an autoscaler."""

from collections.abc import Mapping
from math import inf
from typing import Literal

import pytest

from taskqueue.plan.capacity import DEFAULT_SERVICE_S, Capacity, Due, QueueWork, Rate, capacity, mean_of
from tests.support.node.autoscaled import autoscaled

TARGET_S = 50 * 30
BACKLOG = {"normal": Due(10**6, 10, 1)}


def of_one_queue(due: Mapping[str, Due], rate: float) -> Capacity:
    return capacity({"global": QueueWork(due)}, {"global": Rate(rate)}, 50, 30)


def test_idle_asks_for_nothing() -> None:
    assert of_one_queue({}, 100) == Capacity(0.0, 0.0, 0)


@pytest.mark.parametrize("rate", [0, 1000])
def test_one_due_job_asks_for_one_worker(rate: float) -> None:
    assert of_one_queue({"low": Due(1, 0.01, 1)}, rate) == Capacity(TARGET_S, TARGET_S, 1)


@pytest.mark.parametrize(
    ("due", "running", "expected"),
    [
        ({}, 0, Capacity(0.0, 0.0, 0)),
        ({}, 60, Capacity(1800.0, 1800.0, 2)),
        ({"low": Due(1, 0.01, 1)}, 0, Capacity(TARGET_S, TARGET_S, 1)),
        ({"normal": Due(10**6, 3.0, 1)}, 0, Capacity(3e6, 3e6, 2000)),
        ({"normal": Due(1500, 2.0, 9)}, 50, Capacity(4500.0, 4500.0, 3)),
    ],
    ids=["idle", "running", "one job", "a backlog", "costs do not matter"],
)
def test_without_a_global_limit_all_work_is_useful(
    due: dict[str, Due], running: int, expected: Capacity
) -> None:
    assert capacity({"global": QueueWork(due, running)}, {"global": Rate(inf)}, 50, 30) == expected


def test_permits_of_a_job_make_fewer_workers_useful() -> None:
    assert of_one_queue(BACKLOG, 100).useful_replicas == 21
    assert of_one_queue({"normal": Due(10**6, 10, 10)}, 100).useful_replicas == 3


def test_lanes_share_starts_by_turns_and_not_by_length() -> None:
    """Few quick jobs of a high lane start 8 times as often as the many slow ones that are made up for."""
    both = {"high": Due(10, 0.1, 1), "backfill": Due(10**6, 60, 1)}
    mean_s = (8 * 0.1 + 60) / 9 + 0.02
    assert of_one_queue(both, 100).useful_replicas == -(-100 * mean_s // 50)


@pytest.mark.parametrize(
    ("limits", "useful"),
    [
        ({"slow": Rate(1 / 60, "global"), "global": Rate(100)}, 1),
        ({"slow": Rate(0, "global"), "global": Rate(100)}, 1),  # closed
        ({"slow": Rate(100, "global"), "global": Rate(5)}, 2),  # the root lets through less
        ({"slow": Rate(40, "app"), "app": Rate(10, "global"), "global": Rate(inf)}, 3),
        ({"slow": Rate(100, "global"), "global": Rate(inf)}, 21),
    ],
)
def test_a_queue_is_useful_up_to_the_least_rate_on_its_path(limits: dict[str, Rate], useful: int) -> None:
    assert capacity({"slow": QueueWork(BACKLOG)}, limits, 50, 30).useful_replicas == useful


def test_a_saturated_queue_withholds_no_worker_from_another() -> None:
    limits = {"slow": Rate(1, "global"), "fast": Rate(100, "global"), "global": Rate(inf)}
    alone = capacity({"fast": QueueWork(BACKLOG)}, limits, 50, 30)
    both = capacity({"fast": QueueWork(BACKLOG), "slow": QueueWork(BACKLOG, running=10)}, limits, 50, 30)
    assert alone.work_s == 21 * TARGET_S
    assert alone.work_s <= both.work_s <= alone.work_s + TARGET_S
    slow = capacity({"slow": QueueWork(BACKLOG, running=10)}, limits, 50, 30)
    assert slow.work_s == TARGET_S


def test_queues_share_the_rate_of_a_limit_around_them() -> None:
    limits = {"a": Rate(100, "app"), "b": Rate(100, "app"), "app": Rate(150, "global"), "global": Rate(1_000)}
    both = capacity({"a": QueueWork(BACKLOG), "b": QueueWork(BACKLOG)}, limits, 50, 30)
    assert both.useful_replicas == -(-150 * 10.02 // 50)


def test_without_a_limit_all_due_work_is_useful() -> None:
    asked = of_one_queue({"normal": Due(30_000, 2.0, 1)}, inf)
    assert asked == Capacity(60_000, 60_000, 40)


def test_types_without_endings_have_the_default() -> None:
    assert mean_of({"known": 3, "new": 1}, {"known": 5.0}, DEFAULT_SERVICE_S) == 4.0
    assert mean_of({}, {}, DEFAULT_SERVICE_S) == DEFAULT_SERVICE_S


def test_a_steady_demand_keeps_workers_and_starts_at_once() -> None:
    """80 starts/s of 5 s keep 400 slots busy: 8 replicas."""
    steady = autoscaled(arrivals_per_s=80, service_s=5, rate=200, seconds=1800)
    assert 8 <= steady.last_replicas <= 9
    assert steady.last_wait_s < 1


@pytest.mark.parametrize("weight", ["nothing", "service"])
def test_counting_running_jobs_less_would_delay_jobs(
    weight: Literal["nothing", "service"],
) -> None:
    """Why a running job counts a slot's whole share: with less, jobs wait for much of drain_s for ever."""
    steady = autoscaled(arrivals_per_s=80, service_s=5, rate=200, seconds=1800, running_counts=weight)
    assert steady.last_wait_s > 10


def test_a_backlog_at_the_limit_adds_no_workers() -> None:
    """20 starts/s of 1 s keep 21 slots busy: more than one worker of 50 would idle, however long the queue."""
    bound = autoscaled(arrivals_per_s=0, service_s=1, rate=20, seconds=600, backlog=100_000)
    assert bound.most_replicas == 1
    assert bound.started == pytest.approx(20 * 600, rel=0.02)


def test_the_useful_replicas_use_the_whole_limit() -> None:
    """100 starts/s of 3 s keep 302 slots busy: 7 replicas, where the queue asks for hundreds."""
    bound = autoscaled(arrivals_per_s=0, service_s=3, rate=100, seconds=600, backlog=1_000_000)
    assert bound.most_replicas == 7
    assert bound.last_start_rate == pytest.approx(100, rel=0.01)


def test_a_backlog_is_ended_in_about_the_time_to_drain() -> None:
    """30,000 jobs of 1 s, no limit that binds: 20 replicas would need half a minute, but first they must come."""
    backlog = autoscaled(arrivals_per_s=0, service_s=1, rate=5_000, seconds=900, backlog=30_000)
    assert 20 <= backlog.most_replicas <= 30
    assert backlog.emptied_s is not None
    assert backlog.emptied_s < 60
    assert backlog.last_replicas == 0
