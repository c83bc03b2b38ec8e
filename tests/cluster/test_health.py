"""Health as kubectl wait, Flux and Argo CD see it: real objects, whose status the operator wrote or has not written."""

import asyncio
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster import Cluster
from onlookers import ARGO_CD, argo_cd, kstatus
from shop import Shop, subscription, task_type

Verdict = tuple[bool, str, str]  # kubectl wait --for=condition=Ready, kstatus, Argo CD

WAITING: Verdict = (False, "InProgress", "Progressing")
NEW: dict[str, Verdict] = {"TaskType/sync": WAITING, "UserSubscription/ada": WAITING}
SEEN: dict[str, Verdict] = {
    "TaskType/sync": (True, "Current", "Healthy"),  # no worker has started yet
    "TaskType/held": (True, "Current", "Suspended"),
    "UserSubscription/ada": (True, "Current", "Healthy"),
    "UserSubscription/away": (True, "Current", "Suspended"),
    "UserSubscription/astray": (True, "Current", "Degraded"),  # names a type that is not there
    "UserSubscription/rival": (False, "InProgress", "Degraded"),  # is ada, too
}
INFEASIBLE: dict[str, Verdict] = {
    "TaskType/huge": (True, "Current", "Degraded"),
    "TaskType/held": (True, "Current", "Suspended"),
    "UserSubscription/greedy": (True, "Current", "Healthy"),
}
EDITED: dict[str, Verdict] = {"TaskType/sync": WAITING, "UserSubscription/ada": (True, "Current", "Healthy")}


async def test_everybody_sees_the_right_health(shop: Shop, tools: Path) -> None:
    async def seen(wanted: Mapping[str, Verdict]) -> dict[str, Verdict]:
        """What each of the three says of the objects that a table names."""
        listed = json.loads(await shop.kubectl("get", "tt,usub", "-o", "json"))["items"]
        flux = await asyncio.to_thread(kstatus, tools / "kstatus", listed)
        argo = {f"{one['kind']}/{one['metadata']['name']}": argo_cd(one).status for one in listed}
        return {name: (await ready(name), flux[name].status, argo[name]) for name in wanted}

    async def ready(name: str) -> bool:
        check_once = ("wait", "-n", shop.namespace, "--for=condition=Ready", "--timeout=0", name)
        return (await asyncio.to_thread(shop.cluster.attempt, *check_once)).returncode == 0

    await shop.apply(
        task_type("sync"),
        task_type("held", suspend=True),
        subscription("ada", "sync"),
        subscription("away", "sync", suspend=True),
        subscription("astray", "sync", "nowhere"),
    )
    assert await seen(NEW) == NEW
    table = (await shop.kubectl("get", "tt", "sync")).splitlines()
    assert table[1].split()[:-1] == ["sync", "2s", "Unknown"]

    operator = await shop.operator()
    await shop.says("usub", "ada", "Ready", "True", "Scheduled")
    await shop.apply(subscription("rival", "sync", userId="ada"))
    await shop.says("usub", "rival", "Ready", "False", "DuplicateUser")
    await shop.says("tt", "sync", "HandlerRegistered", "Unknown", "NoWorkerSeen")
    assert await seen(SEEN) == SEEN
    rows = [line.split()[:-1] for line in (await shop.kubectl("get", "usub", "ada", "rival")).splitlines()]
    assert rows[0] == ["NAME", "USER", "TASKS", "ACCEPTED", "READY"]
    assert rows[1:] == [["ada", "ada", "1", "True", "True"], ["rival", "ada", "1", "False", "False"]]
    assert await pending(shop) == [], "nothing is left of what a new object says"

    await shop.apply(task_type("huge", "1s", cost=1_000), subscription("greedy", "huge"))
    await shop.says("tt", "huge", "Feasible", "False", "DoesNotFit")
    await shop.says("tt", "held", "Feasible", "False", "DoesNotFit")
    await shop.says("usub", "greedy", "Ready", "True", "Scheduled")
    assert await seen(INFEASIBLE) == INFEASIBLE

    await shop.world.end(operator, signal.SIGKILL)
    await shop.apply(task_type("sync", "3s"))
    assert await seen(EDITED) == EDITED


async def pending(shop: Shop) -> list[tuple[str, str]]:
    """Objects and conditions that still say that the operator has not seen them."""
    listed: list[dict[str, Any]] = json.loads(await shop.kubectl("get", "tt,usub", "-o", "json"))["items"]
    return [
        (one["metadata"]["name"], condition["type"])
        for one in listed
        for condition in one["status"]["conditions"]
        if condition["reason"] == "Pending"
    ]


def test_the_health_check_is_added_to_the_config_map_of_argo_cd(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "configmap", "argocd-cm", "-n", namespace, "--from-literal=kept=as it was")
    written = ("--server-side", "--field-manager", "taskqueue", "--filename", str(ARGO_CD))
    cluster.kubectl("apply", "-n", namespace, *written)
    data = json.loads(cluster.kubectl("get", "cm", "argocd-cm", "-n", namespace, "-o", "json"))["data"]
    assert data.pop("kept") == "as it was"
    assert {name.rpartition("_")[2] for name in data} == {"TaskType", "UserSubscription"}
    for kind in ("TaskType", "UserSubscription"):
        one = {"apiVersion": "taskqueue.dev/v1alpha1", "kind": kind, "metadata": {"generation": 1}}
        assert argo_cd(one, data) == ("Progressing", "waiting for the operator")
