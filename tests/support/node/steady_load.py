"""A load that keeps two small workers busy under a limit that makes four useful, and KEDA's pace for tests."""

import time
from typing import Any

from tests.support.node.release import Installed
from tests.support.node.release_objects import subscriptions, task_type
from tests.support.site.site import until

RATE = 16
CONCURRENCY = 5
#: One replica for each 25 work-seconds.
DRAIN_S = 5
SLEEP_MS = 1000
#: Each with a subscription of every user, once a minute: 8.3 starts a second, which keep 8.5 slots busy.
TYPES = [f"type-{n}" for n in range(10)]
USERS = 50
#: RATE of them keep 16.3 slots busy.
BUSY, USEFUL, MOST = 2, 4, 6
LOOK_AHEAD_S = 1
POLL_S = 2
COOLDOWN_S = 10
WORKERS = "deployment/taskqueue-worker"
SCALED = "scaledobject/taskqueue-worker"
#: Of KEDA, and of the chart in the other modes.
THEIRS, OURS = "hpa/keda-hpa-taskqueue-worker", "hpa/taskqueue-worker"


def scaled_by(installed: Installed, mode: str) -> None:
    """Have `install` choose a mode. With none there are as many workers as are busy."""
    installed.values["rate"] = RATE
    installed.values["worker"] |= {"concurrency": CONCURRENCY, "replicas": BUSY}
    installed.values["autoscaling"] = {
        "mode": mode,
        "minReplicas": 0 if mode == "keda" else 1,
        "maxReplicas": MOST,
        "drainSeconds": DRAIN_S,
        "keda": {"pollingInterval": POLL_S, "cooldownPeriod": COOLDOWN_S},
    }


async def apply_types(installed: Installed, **spec: Any) -> None:
    """Return when they are known to the store."""
    params = {"sleep_ms": SLEEP_MS}
    await installed.apply(*(task_type(name, "60s", params=params, **spec) for name in TYPES))
    await installed.kubectl("wait", "tasktypes", "--all", "--for=condition=Ready", "--timeout=30s")


async def subscribe(installed: Installed) -> int:
    """Return the time (epoch ms) from which all jobs arrive: jobs due within a second are emitted already."""
    await installed.apply(*subscriptions(USERS, TYPES))

    async def all_scheduled() -> bool:
        return sum(map(len, installed.planned.places.values())) == USERS * len(TYPES)

    await until("all subscriptions are scheduled", all_scheduled)
    return int((time.time() + LOOK_AHEAD_S) * 1000)


async def steady(installed: Installed) -> None:
    """Return when the backlog of the start-up is done, and as many workers run as the load needs."""
    await installed.ready(BUSY)
    await installed.arrived(100)
    await installed.ready(BUSY)
