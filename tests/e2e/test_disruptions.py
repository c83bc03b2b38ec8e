"""Disruptions of a release under load: upgrades, restarts, drains, kills. No job is lost."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from taskqueue.store.dead import read_dead
from taskqueue.store.enqueue import enqueue
from tests.support.kubernetes.replica_history import watched
from tests.support.node.cluster import Node
from tests.support.node.release import WORKERS, Installed
from tests.support.node.release_objects import Object, subscriptions, task_type
from tests.support.site.site import until

RATE = 60
TYPES = [f"type-{n}" for n in range(5)]
USERS = 40
#: 40 starts a second, of half a second each.
INTERVAL = "5s"
SLEEP_MS = 500


def a_type(name: str) -> Object:
    return task_type(name, INTERVAL, params={"sleep_ms": SLEEP_MS}, catchUp="All")


async def busy_with(installed: Installed, workers: int) -> None:
    """Install a release, and return when jobs arrive."""
    installed.values |= {"rate": RATE}
    installed.values["worker"] |= {"replicas": workers}
    await installed.install()
    await installed.open()
    await installed.apply(*map(a_type, TYPES), *subscriptions(USERS, TYPES))
    await installed.ready(workers)
    await installed.arrived(200)


@pytest.fixture
async def busy(installed: Installed) -> Installed:
    """A release that works, with two workers."""
    await busy_with(installed, 2)
    return installed


@pytest.fixture
def other_node(node: Node) -> Iterator[str]:
    """A second node, gone afterwards."""
    with node.joined_by("other"):
        yield "other"


async def test_an_upgrade_and_restarts_under_load_leave_no_gap(busy: Installed) -> None:
    since_ms = int(time.time() * 1000)
    for part in ("operator", "worker"):
        busy.values[part]["image"]["tag"] = "next"
    await busy.install()
    images = {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in await busy.pods()}
    assert images == {"next"}
    await busy.ready(2)
    for part in ("operator", "worker"):
        await busy.kubectl("rollout", "restart", f"deployment/taskqueue-{part}")
    for part in ("operator", "worker"):
        await busy.kubectl("rollout", "status", f"deployment/taskqueue-{part}", "--timeout=120s")
    await busy.arrived(200)
    await busy.exactly_as_planned(since_ms, at_least=500)
    await busy.within(RATE)


async def test_a_drain_moves_workers_one_by_one_and_loses_nothing(
    node: Node, installed: Installed, other_node: str
) -> None:
    await busy_with(installed, workers=4)
    there = (
        "get",
        "pods",
        f"--selector={WORKERS}",
        f"--field-selector=spec.nodeName={other_node}",
        "-o",
        "name",
    )
    assert len((await installed.kubectl(*there)).split()) > 1
    since_ms = int(time.time() * 1000)
    with watched(installed.cluster, installed.namespace, "status.readyReplicas") as ready:
        await asyncio.to_thread(node.kubectl, "drain", other_node, "--delete-emptydir-data", "--timeout=50s")
    assert await installed.kubectl(*there) == ""
    assert min(ready()) == 3, "the budget lets one go at a time"
    await installed.ready(4)
    await installed.arrived(100)
    await installed.exactly_as_planned(since_ms, at_least=500)
    await installed.within(RATE)


async def test_a_drain_leaves_the_last_worker_to_its_budget(busy: Installed) -> None:
    drained = await asyncio.to_thread(
        busy.cluster.attempt,
        "drain",
        "node",
        f"--pod-selector={WORKERS}",
        "--timeout=10s",
        "--delete-emptydir-data",
    )
    try:
        assert drained.returncode, "the second worker has nowhere to go"
        assert "violate the pod's disruption budget" in drained.stderr
        assert len([pod for pod in await busy.pods() if pod["status"]["phase"] == "Running"]) == 1
        await busy.arrived(100)
    finally:
        await asyncio.to_thread(busy.cluster.kubectl, "uncordon", "node")
    await busy.ready(2)


async def test_jobs_of_a_force_deleted_pod_run_again(busy: Installed) -> None:
    since_ms = int(time.time() * 1000)
    concurrency = 50
    for _ in range(2):
        victim, *_others = await busy.pods()
        await busy.kubectl("delete", "pod", victim["metadata"]["name"], "--force", "--grace-period=0")
        await busy.ready(2)
        await busy.arrived(200)
    await busy.exactly_as_planned(since_ms, repeats=2 * concurrency, at_least=500)
    await busy.within(RATE)


async def test_a_job_that_kills_three_pods_is_dead_and_the_rest_done(
    busy: Installed,
) -> None:
    since_ms = int(time.time() * 1000)
    await busy.apply(task_type("eater", "24h", "eat", timeout="60s"))
    await busy.kubectl("wait", "tasktype/eater", "--for=condition=Ready", "--timeout=30s")
    await enqueue(busy.store, "eater", "u-0001")

    async def given_up() -> bool:
        return any(letter.job.startswith("eater|") for letter in await read_dead(busy.store))

    await until("the job is a dead letter", given_up, 180)
    (letter,) = [letter for letter in await read_dead(busy.store) if letter.job.startswith("eater|")]
    assert "vanished 3 times" in letter.reason, letter
    killed = [
        status["lastState"].get("terminated", {}).get("reason")
        for pod in await busy.pods()
        for status in pod["status"]["containerStatuses"]
    ]
    assert "OOMKilled" in killed, killed
    await busy.ready(2)
    await busy.arrived(200)
    await busy.exactly_as_planned(since_ms, repeats=500, at_least=500)
    await busy.within(RATE)


async def test_a_restarted_store_resumes(busy: Installed) -> None:
    since_ms = int(time.time() * 1000)
    await busy.kubectl("delete", "pod", "taskqueue-redis-0")
    await busy.pod_is_ready("taskqueue-redis-0")
    await busy.arrived(200)
    await busy.exactly_as_planned(since_ms, repeats=100, at_least=200)
    await busy.within(RATE)
