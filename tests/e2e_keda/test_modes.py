"""From a fixed number to KEDA and back, under load; and the verdict of KEDA's admission."""

import datetime as dt
import json

from tests.support.kubernetes.replica_history import watched
from tests.support.node.keda import Keda
from tests.support.node.release import Installed
from tests.support.node.release_objects import Object
from tests.support.node.steady_load import (
    BUSY,
    COOLDOWN_S,
    OURS,
    POLL_S,
    RATE,
    SCALED,
    THEIRS,
    WORKERS,
    apply_types,
    scaled_by,
    subscribe,
)

OWNERSHIP = "validations.keda.sh/hpa-ownership"
#: The least that KEDA takes for the workers.
ANOTHER: Object = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"name": "another"},
    "spec": {
        "scaleTargetRef": {"name": WORKERS.partition("/")[2]},
        "triggers": [
            {
                "type": "metrics-api",
                "metadata": {"url": "http://api:8099/", "valueLocation": "x", "targetValue": "1"},
            }
        ],
    },
}


async def admitted(installed: Installed) -> str:
    """Return KEDA's objection to a ScaledObject next to the chart's HPA; empty if there is none."""
    options = ("-n", installed.namespace, "create", "--dry-run=server", "--filename=-")
    return installed.cluster.attempt(*options, stdin=json.dumps(ANOTHER)).stderr


async def test_switching_to_keda_and_back_loses_no_worker(keda: Keda, installed: Installed) -> None:
    scaled_by(installed, "none")
    await installed.install()
    await installed.open()
    await apply_types(installed)
    since_ms = await subscribe(installed)
    await installed.ready(BUSY)
    await installed.arrived(50)
    with watched(installed.cluster, installed.namespace, "spec.replicas") as asked_for:
        await installed.hand_over()
        scaled_by(installed, "keda")
        await installed.install()
        await installed.kubectl("wait", THEIRS, "--for=create", "--timeout=30s")
        await installed.kubectl("wait", THEIRS, "--for=condition=ScalingActive", "--timeout=60s")
        await installed.kubectl("wait", SCALED, "--for=condition=Active", "--timeout=30s")
        await installed.arrived(8 * (COOLDOWN_S + 3 * POLL_S))
        await installed.ready(BUSY)

        scaled_by(installed, "none")
        await installed.install()
        await installed.kubectl("wait", SCALED, "--for=delete", "--timeout=30s")
        await installed.kubectl("wait", THEIRS, "--for=delete", "--timeout=30s")
        await installed.arrived(100)
        await installed.ready(BUSY)
    print(f"spec.replicas: {asked_for()}")
    print(
        await installed.kubectl(
            "get", "events", "--field-selector=involvedObject.kind=HorizontalPodAutoscaler"
        )
    )
    assert min(asked_for()) == BUSY
    await installed.exactly_as_planned(since_ms, at_least=200)
    await installed.within(RATE)


async def test_keda_admits_a_scaled_object_next_to_the_hpa(keda: Keda, installed: Installed) -> None:
    scaled_by(installed, "prometheusAdapter")
    await installed.install()
    assert await admitted(installed) == ""
    await installed.kubectl("annotate", OURS, f"{OWNERSHIP}-")
    assert "already managed by the hpa 'taskqueue-worker'" in await admitted(installed)


async def test_keda_keeps_idle_workers_for_the_cooldown(keda: Keda, installed: Installed) -> None:
    scaled_by(installed, "none")
    await installed.install()
    await installed.ready(BUSY)
    await installed.hand_over()
    scaled_by(installed, "keda")
    await installed.install()
    await installed.ready(0)
    since = dt.datetime.fromisoformat((await installed.get(SCALED))["metadata"]["creationTimestamp"])
    (event,) = (await installed.get("events", "--field-selector=reason=KEDAScaleTargetDeactivated"))["items"]
    after_s = (dt.datetime.fromisoformat(event["eventTime"]) - since).total_seconds()
    print(f"{event['message']}, {after_s:.1f} s after it took over")
    assert after_s >= COOLDOWN_S
