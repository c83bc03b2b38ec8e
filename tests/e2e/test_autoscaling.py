"""A load that rises and falls: the real HPA follows it up to the useful number of workers, and no job is lost."""

import asyncio
import json
import time

from taskqueue.store.enqueue import enqueue
from taskqueue.store.types import read_catalog
from tests.support.kubernetes.metrics_api import API_SERVICE, BASE, NAME
from tests.support.kubernetes.replica_history import watched
from tests.support.node.release import Installed
from tests.support.node.release_objects import rate_limit, subscriptions, task_type
from tests.support.site.site import until

RATE = 40
CONCURRENCY = 10
#: Of 5 s of work; one replica for each 50 work-seconds.
DRAIN_S = 5
#: So long a job takes while the load is high: 33 starts a second keep 37 slots busy, and RATE of them 45.
SLOW_MS = 1100
BUSY, USEFUL, MOST = 4, 5, 8
TYPES = [f"type-{n:02}" for n in range(50)]
USERS = 500
#: 2,000 subscriptions, 33 starts a second.
EACH = 4


async def sleep(installed: Installed, sleep_ms: int) -> None:
    """Have the API take so long."""
    types = [task_type(name, "60s", params={"sleep_ms": sleep_ms}) for name in TYPES]
    await installed.apply(*types)


async def replicas(installed: Installed) -> int:
    return int((await installed.get("deployment", "taskqueue-worker"))["spec"]["replicas"])


async def test_pods_follow_the_load_and_jobs_run_once(installed: Installed) -> None:
    installed.values |= {
        "rate": RATE,
        "autoscaling": {"mode": "selfServed", "minReplicas": 1, "maxReplicas": MOST, "drainSeconds": DRAIN_S},
    }
    installed.values["worker"] |= {"concurrency": CONCURRENCY}
    await installed.install()
    await installed.open()
    await installed.ready(1)
    await sleep(installed, 20)
    people = subscriptions(USERS, ())
    for number, one in enumerate(people):
        one["spec"]["tasks"] = [{"type": TYPES[(number + 13 * step) % len(TYPES)]} for step in range(EACH)]
    await installed.apply(*people)
    await installed.arrived(100)
    since_ms = int(time.time() * 1000)

    # Each job takes a second and more.
    await sleep(installed, SLOW_MS)
    await installed.ready(BUSY)

    # A backlog that only the limit holds up: more pods than are useful under it would but wait with the others.
    for number in range(20 * RATE):
        await enqueue(installed.store, TYPES[number % len(TYPES)], f"u-{number % USERS:04}")
    await installed.ready(USEFUL)

    async def asks_for_more() -> bool:
        return (await installed.scaling())["uncappedWorkSeconds"] > (USEFUL + 1) * CONCURRENCY * DRAIN_S

    await until("the backlog alone asks for more", asks_for_more, 10)
    for _ in range(10):
        assert await replicas(installed) == USEFUL
        await asyncio.sleep(1)

    # The load falls: pods end what they run, and go.
    await sleep(installed, 20)
    await installed.ready(1, 180)
    await installed.exactly_as_planned(since_ms, at_least=1000)
    await installed.within(RATE)
    print((await installed.kubectl("describe", "hpa", "taskqueue-worker"))[-1500:])


async def test_a_saturated_api_withholds_no_worker_from_another(installed: Installed) -> None:
    installed.values |= {
        "rate": 1_000,
        "autoscaling": {"mode": "selfServed", "minReplicas": 1, "maxReplicas": MOST, "drainSeconds": DRAIN_S},
    }
    installed.values["worker"] |= {"concurrency": CONCURRENCY}
    await installed.install()
    await installed.open()
    await installed.ready(1)
    slow_jobs = {"sleep_ms": SLOW_MS}
    apis = [task_type(name, "1h", params=slow_jobs, limits=[{"name": name}]) for name in ("slow", "fast")]
    await installed.apply(rate_limit("slow", 2), rate_limit("fast", RATE), *apis)
    await installed.apply(*subscriptions(2, ("slow", "fast")))

    async def published() -> bool:
        catalog = await read_catalog(installed.store)
        return {"slow", "fast"} <= catalog.records.keys() & catalog.limits.keys()

    await until("types and limits are published", published, 30)
    for number in range(1_000):
        await enqueue(installed.store, "slow", f"u-{number % 2:04}")
    await installed.arrived(10)
    assert (await installed.scaling())["uncappedWorkSeconds"] > MOST * CONCURRENCY * DRAIN_S
    for _ in range(10):  # two starts a second keep three slots of one worker busy
        assert await replicas(installed) == 1
        await asyncio.sleep(1)
    for number in range(60 * RATE):
        await enqueue(installed.store, "fast", f"u-{number % 2:04}")
    await installed.ready(USEFUL)


async def test_upgrades_never_reset_the_autoscaler(
    installed: Installed,
) -> None:
    chosen = 3
    installed.values |= {"rate": RATE}
    installed.values["worker"] |= {"replicas": chosen, "concurrency": CONCURRENCY}
    fixed = {"mode": "none"}
    scaled = {"mode": "selfServed", "minReplicas": chosen, "maxReplicas": MOST, "drainSeconds": DRAIN_S}
    await installed.install()
    await installed.ready(chosen)
    with watched(installed.cluster, installed.namespace, "spec.replicas") as asked_for:
        for mode in (scaled, scaled, fixed, scaled, fixed):
            installed.values["autoscaling"] = mode
            installed.values["worker"]["podAnnotations"] = {
                "try": str(time.time())
            }  # so that every pod is new
            if mode is scaled:
                await installed.hand_over()
            await installed.install()
            await installed.ready(chosen)
    assert set(asked_for()) == {chosen}


async def served(installed: Installed) -> str:
    """Wait until the API server answers with the metric, and return its path."""
    path = f"{BASE}/namespaces/{installed.namespace}/taskqueue_work_seconds"

    async def answered() -> bool:
        asked = await asyncio.to_thread(installed.cluster.attempt, "get", "--raw", path)
        return asked.returncode == 0 and len(json.loads(asked.stdout)["items"]) == 1

    await until("the API server answers with the metric", answered, 60)
    return path


async def test_deleting_the_namespace_blocks_no_deletion(installed: Installed) -> None:
    installed.values |= {"rate": RATE, "autoscaling": {"mode": "selfServed", "maxReplicas": MOST}}
    await installed.install()
    await served(installed)
    await installed.kubectl("create", "namespace", "beside")
    for name in ("beside", installed.namespace):
        await installed.kubectl("delete", "namespace", name, "--wait=false")
    await installed.kubectl("wait", "--for=delete", f"apiservice/{API_SERVICE}", "--timeout=5s")
    for name in ("beside", installed.namespace):
        await installed.kubectl("wait", "--for=delete", f"namespace/{name}", "--timeout=60s")


async def test_only_authorized_readers_get_the_metric(
    installed: Installed,
) -> None:
    installed.values |= {"rate": RATE, "autoscaling": {"mode": "selfServed", "maxReplicas": MOST}}
    await installed.install()
    path = await served(installed)
    asks = (
        "import ssl, sys, urllib.request as u; c = ssl.create_default_context(); "
        "c.check_hostname, c.verify_mode = False, ssl.CERT_NONE; "
        "u.urlopen(u.Request(sys.argv[1], headers={'X-Remote-User': 'admin', 'X-Remote-Group': 'system:masters'}), "
        "context=c, timeout=5)"
    )
    service = f"https://{NAME}{path}"
    inside = ("-n", installed.namespace, "exec", "api", "--", "python", "-c", asks, service)
    assert "HTTP Error 401" in await asyncio.to_thread(installed.cluster.refused, *inside)
    stranger = installed.cluster.seen_by("default", installed.namespace)
    assert "forbidden" in (await asyncio.to_thread(stranger.refused, "get", "--raw", path)).lower()
