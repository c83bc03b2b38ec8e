"""/scaling and /metrics of the operator: one reading a second, and a store that is away holds nothing up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import Schedule, TaskType
from taskqueue.store.claim import Result
from taskqueue.store.connection import open_store
from taskqueue_operator import scaling as module
from taskqueue_operator.scaling import Scaling
from taskqueue_operator.work_metrics import WorkCollector
from tests.store.test_named_limits import APP, ORDERS, SHOP, type_of

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from tests.store.conftest import World

SYNC = TaskType("sync", Schedule(interval_s=3600))


def samples(scaling: Scaling) -> dict[str, float]:
    """The samples of the collector, by name and labels."""
    found: dict[str, float] = {}
    metrics: list[Metric] = list(WorkCollector(lambda: scaling.last).collect())
    for metric in metrics:
        for sample in metric.samples:
            found[" ".join([sample.name, *sample.labels.values()])] = sample.value
    return found


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_TIMEOUT_S", 60.0)


async def test_autoscalers_and_prometheus_are_told_the_same(world: World) -> None:
    await world.install(SYNC, rate=100)
    scaling = Scaling(world.store, concurrency=2, drain_s=5)
    assert json.loads((await scaling.pages()["/scaling"]())[2]) == {
        "workSeconds": 0.0, "uncappedWorkSeconds": 0.0, "usefulReplicas": 0,
    }  # fmt: skip
    await world.enqueue("sync", *(f"u{n}" for n in range(2_000)))
    scaling = Scaling(world.store, concurrency=2, drain_s=5)
    status, kind, body = await scaling.pages()["/scaling"]()
    assert (status, kind) == (200, "application/json")
    told = json.loads(body)
    assert told == {"workSeconds": 510.0, "uncappedWorkSeconds": 2000.0, "usefulReplicas": 51}
    found = samples(scaling)
    assert found["taskqueue_work_seconds"] == told["workSeconds"]
    assert found["taskqueue_work_seconds_uncapped"] == told["uncappedWorkSeconds"]
    assert found["taskqueue_useful_replicas"] == told["usefulReplicas"]
    assert found["taskqueue_due_jobs normal"] == found["taskqueue_store_jobs_total enqueued"] == 2_000
    assert found["taskqueue_store_reserved_slots_total"] == found["taskqueue_store_jobs_total dead"] == 0
    assert found["taskqueue_workers_seen"] == found["taskqueue_dead_letters"] == 0


async def test_release_limits_have_metrics_and_user_limits_none(world: World) -> None:
    await world.install(type_of("sync", "orders", "shop"), limits=[APP, ORDERS, SHOP])
    await world.enqueue("sync", "ada", "bob")
    (job,) = (await world.claim(n=1)).jobs
    await world.claim(n=0, results=[Result(job.lease, Outcome.LIMITED, 60_000, "app")])
    scaling = Scaling(world.store, concurrency=2, drain_s=5)
    await scaling.read()
    found = {name: value for name, value in samples(scaling).items() if "_limit_" in name}
    until_s = world.clock.now_us / 1e6 + 60
    assert found == {
        "taskqueue_limit_waiting_jobs global": 0,
        "taskqueue_limit_waiting_jobs app": 0,
        "taskqueue_limit_waiting_jobs orders": 2,
        "taskqueue_limit_closed_until_seconds global": 0,
        "taskqueue_limit_closed_until_seconds app": until_s,
        "taskqueue_limit_closed_until_seconds orders": 0,
    }


async def test_a_reading_is_good_for_a_second_however_many_ask(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.install(SYNC)
    scaling = Scaling(world.store, concurrency=50, drain_s=30)
    assert module._FRESH_S == 1.0
    monkeypatch.setattr(module, "_FRESH_S", 3600.0)
    first = await scaling.read()
    await world.enqueue("sync", "ada")
    assert await scaling.read() is first
    monkeypatch.setattr(module, "_FRESH_S", 0.0)
    assert (await scaling.read()).capacity.work_s == 1500


async def test_an_absent_store_is_reported_and_other_metrics_served(world: World) -> None:
    nowhere = open_store("redis://127.0.0.1:1/0", "shop")
    scaling = Scaling(nowhere, concurrency=50, drain_s=30)
    status, _, body = await scaling.pages()["/scaling"]()
    assert status == 503
    assert b"The store does not answer." in body
    status, _, text = await scaling.pages()["/metrics"]()
    assert status == 200
    assert "process_cpu_seconds" in {one.name for one in text_string_to_metric_families(text.decode())}
    assert samples(scaling) == {}, "rather nothing than what was true once"
    await nowhere.close()
