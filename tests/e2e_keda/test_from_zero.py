"""Pods from zero and back to zero by KEDA, also while the amount of work is unknown."""

import asyncio
import time
from functools import partial

from taskqueue.store.audit import audit
from taskqueue.store.enqueue import enqueue
from tests.support.kubernetes.cluster import KubectlError
from tests.support.kubernetes.replica_history import watched
from tests.support.node.release import Installed
from tests.support.node.steady_load import (
    BUSY,
    RATE,
    SCALED,
    TYPES,
    USEFUL,
    USERS,
    apply_types,
    steady,
    subscribe,
)
from tests.support.site.site import until

BACKLOG = 300
#: So long the store stays away after KEDA has noticed; the whole of it must be less than the cooldown.
AWAY_S, LONG_COOLDOWN_S = 20, 60


async def ad_hoc_arrivals(installed: Installed) -> int:
    return sum(one.occurrence is None for one in await installed.api.arrivals())


async def test_pods_scale_from_and_to_zero_and_jobs_run_once(scaled: Installed) -> None:
    await scaled.install()
    with watched(scaled.cluster, scaled.namespace, "spec.replicas") as asked_for:
        await scaled.open()
        await apply_types(scaled)
        await scaled.ready(0)

        # One job, for which there is no worker at all.
        enqueued = time.monotonic()
        await enqueue(scaled.store, TYPES[0], "ada")
        await scaled.arrived(1)
        print(f"a job that found no worker arrived after {time.monotonic() - enqueued:.1f} s")
        await scaled.ready(0)

        # A load for two, then a backlog that only the limit holds up.
        since_ms = await subscribe(scaled)
        await steady(scaled)
        for number in range(BACKLOG):
            await enqueue(scaled.store, TYPES[number % len(TYPES)], f"u-{number % USERS:04}")
        await scaled.ready(USEFUL)

        async def backlog_is_done() -> bool:
            return await ad_hoc_arrivals(scaled) == 1 + BACKLOG

        await until("the backlog is done", backlog_is_done, 120)
        await scaled.exactly_as_planned(since_ms, at_least=300)

        # Nothing more to do, ever.
        await apply_types(scaled, suspend=True)
        await scaled.ready(0)
    numbers = asked_for()
    print(f"spec.replicas: {numbers}")
    assert (numbers[-1], max(numbers)) == (0, USEFUL)
    assert numbers.count(0) == 3, (
        "none at first, none after the one job, none at the end, and some in between"
    )
    found = await audit(scaled.store)
    assert found.difference == 0
    assert sum(found.ready.values()) + found.parked + found.leased == 0
    assert (found.dead_letters, found.totals.get("expired", 0)) == (0, 0)
    assert await ad_hoc_arrivals(scaled) == 1 + BACKLOG
    await scaled.within(RATE)


async def is_silent(installed: Installed) -> bool:
    """Is KEDA told that there is nothing to be told?"""
    try:
        await installed.scaling()
    except KubectlError as error:
        return "ServiceUnavailable" in str(error)
    return False


async def test_a_short_store_outage_keeps_the_workers(
    scaled: Installed,
) -> None:
    """After it KEDA 2.21 may set 0: docs/autoscaling.md."""
    scaled.values["autoscaling"]["keda"]["cooldownPeriod"] = LONG_COOLDOWN_S
    await scaled.install()
    await scaled.open()
    await apply_types(scaled, catchUp="All")
    since_ms = await subscribe(scaled)
    await steady(scaled)
    with watched(scaled.cluster, scaled.namespace, "spec.replicas") as asked_for:
        await scaled.kubectl("scale", "statefulset/taskqueue-redis", "--replicas=0")
        await scaled.kubectl("wait", SCALED, "--for=condition=Ready=False", "--timeout=60s")
        await until("the operator does not say", partial(is_silent, scaled))
        await asyncio.sleep(AWAY_S)
        assert await is_silent(scaled)
    assert set(asked_for()) == {BUSY}
    with watched(scaled.cluster, scaled.namespace, "spec.replicas") as asked_for:
        await scaled.kubectl("scale", "statefulset/taskqueue-redis", "--replicas=1")
        await scaled.pod_is_ready("taskqueue-redis-0")
        await scaled.kubectl("wait", SCALED, "--for=condition=Ready", "--timeout=60s")
        await scaled.arrived(200)
    assert min(asked_for()) == BUSY
    await scaled.exactly_as_planned(since_ms, repeats=100, at_least=200)
    await scaled.within(RATE)
