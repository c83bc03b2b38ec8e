"""Health as kubectl wait, Flux and Argo CD see it: real objects, with and without a status of the operator."""

import asyncio
import json
import re
import signal
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from taskqueue.store.pause import pause, resume
from taskqueue_operator.api import PLURALS
from tests.support.kubernetes.cluster import Cluster
from tests.support.kubernetes.shop import Shop, rate_limit, subscription, task_type
from tests.support.kubernetes.status_readers import ARGO_CD, argo_cd, kstatus

Verdict = tuple[bool, str, str]  # kubectl wait --for=condition=Ready, kstatus, Argo CD

WAITING: Verdict = (False, "InProgress", "Progressing")
NEW: dict[str, Verdict] = {
    "TaskType/sync": WAITING,
    "UserSubscription/ada": WAITING,
    "RateLimit/app": WAITING,
}
SEEN: dict[str, Verdict] = {
    "TaskType/sync": (True, "Current", "Healthy"),  # no worker has started yet
    "TaskType/held": (True, "Current", "Suspended"),
    "UserSubscription/ada": (True, "Current", "Healthy"),
    "UserSubscription/away": (True, "Current", "Suspended"),
    "UserSubscription/astray": (True, "Current", "Degraded"),  # names a type that is not there
    "UserSubscription/duplicate": (False, "InProgress", "Degraded"),  # is ada, too
    "TaskType/endless": (True, "Current", "Degraded"),  # names a limit that is not there
    "RateLimit/app": (True, "Current", "Healthy"),
    "RateLimit/shop": (True, "Current", "Healthy"),
    "RateLimit/lost": (False, "InProgress", "Progressing"),  # is within a limit that is not there
    "RateLimit/round": (False, "InProgress", "Degraded"),  # is within itself
}
INFEASIBLE: dict[str, Verdict] = {
    "TaskType/huge": (True, "Current", "Degraded"),
    "TaskType/held": (True, "Current", "Suspended"),
    "UserSubscription/greedy": (True, "Current", "Healthy"),
}
EDITED: dict[str, Verdict] = {"TaskType/sync": WAITING, "UserSubscription/ada": (True, "Current", "Healthy")}

TYPE_COLUMNS = ("SUSPENDED", "REFS", "FEASIBLE", "HANDLER", "READY", "REASON")
TYPES_SHOWN = {
    "broken": ("", "", "", "", "False", "Invalid"),
    "call": ("", "True", "True", "True", "True", "Scheduled"),
    "endless": ("", "False", "True", "True", "True", "Scheduled"),
    "held": ("true", "True", "True", "Unknown", "True", "Suspended"),
    "sync": ("", "True", "True", "Unknown", "True", "Paused"),
}
LIMIT_COLUMNS = ("KEY", "REQUESTS", "PER", "BURST", "WITHIN", "ACCEPTED", "READY", "REASON")
LIMITS_SHOWN = {
    "app": ("Release", "500", "1s", "1", "", "True", "True", "InForce"),
    "lost": ("Release", "500", "1s", "1", "nowhere", "True", "False", "RateLimitNotFound"),
    "round": ("Release", "500", "1s", "1", "trip", "False", "False", "Conflict"),
    "shop": ("User", "2", "1s", "40", "app", "True", "True", "InForce"),
    "trip": ("Release", "500", "1s", "1", "round", "False", "False", "Conflict"),
}
USER_COLUMNS = ("USER", "TASKS", "SUSPENDED", "ACCEPTED", "REFS", "READY", "REASON")
USERS_SHOWN = {
    "ada": ("ada", "1", "", "True", "True", "True", "Scheduled"),
    "astray": ("astray", "2", "", "True", "False", "True", "Scheduled"),
    "away": ("away", "1", "true", "True", "True", "True", "Suspended"),
    "idle": ("idle", "0", "", "True", "True", "True", "NoTasks"),
    "duplicate": ("ada", "1", "", "False", "", "False", "DuplicateUser"),
}


async def test_everybody_sees_the_right_health(shop: Shop, tools: Path) -> None:
    async def seen(wanted: Mapping[str, Verdict]) -> dict[str, Verdict]:
        """Judge the objects of a table by each of the three readers."""
        listed = json.loads(await shop.kubectl("get", "tt,usub,rl", "-o", "json"))["items"]
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
        subscription("idle"),
        task_type("broken", params={"note": "n" * 1_100}),  # which only the operator can refuse
        task_type("call", handler={"http": {"url": "https://api.example/"}}),
        task_type("endless", handler={"http": {"url": "https://api.example/"}}, limits=[{"name": "end"}]),
        rate_limit("app"),
        rate_limit("shop", 2, key="User", burst=40, within="app"),
        rate_limit("lost", within="nowhere"),
        rate_limit("round", within="trip"),
        rate_limit("trip", within="round"),
    )
    assert await seen(NEW) == NEW
    table = (await shop.kubectl("get", "tt", "sync")).splitlines()
    assert table[1].split()[:-1] == ["sync", "2s", "Unknown"]

    operator = await shop.operator()
    await shop.says("usub", "ada", "Ready", "True", "Scheduled")
    await shop.apply(subscription("duplicate", "sync", userId="ada"))
    await shop.says("usub", "duplicate", "Ready", "False", "DuplicateUser")
    await shop.says("tt", "sync", "HandlerRegistered", "Unknown", "NoWorkerSeen")
    assert await seen(SEEN) == SEEN
    await pause(shop.world.store, "sync")
    await shop.says("tt", "sync", "Ready", "True", "Paused")
    assert await shown(shop, "tt", TYPE_COLUMNS) == TYPES_SHOWN
    assert await shown(shop, "usub", USER_COLUMNS) == USERS_SHOWN
    assert await shown(shop, "rl", LIMIT_COLUMNS) == LIMITS_SHOWN
    assert await pending(shop) == [], "no condition of a new object is left"

    await shop.apply(task_type("huge", "1s", cost=1_000), subscription("greedy", "huge"))
    await shop.says("tt", "huge", "Feasible", "False", "DoesNotFit")
    await shop.says("tt", "held", "Feasible", "False", "DoesNotFit")
    await shop.says("usub", "greedy", "Ready", "True", "Scheduled")
    assert await seen(INFEASIBLE) == INFEASIBLE

    await resume(shop.world.store, "sync")
    await shop.says("tt", "sync", "Ready", "True", "Scheduled")
    await shop.world.end(operator, signal.SIGKILL)
    await shop.apply(task_type("sync", "3s"))
    assert await seen(EDITED) == EDITED


async def shown(shop: Shop, kind: str, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read columns of the API server's own table, cells by name; an empty one is not left out."""
    head, *rows = (await shop.kubectl("get", kind, "-o", "wide")).splitlines()
    begins = {found[0]: found.start() for found in re.finditer(r"\S+", head)}
    spans = dict(zip(begins, pairwise([*begins.values(), None]), strict=True))
    assert spans.keys() >= set(columns)

    def cell(row: str, name: str) -> str:
        return row[slice(*spans[name])].strip()

    return {cell(row, "NAME"): tuple(cell(row, name) for name in columns) for row in rows}


async def pending(shop: Shop) -> list[tuple[str, str]]:
    """Objects and conditions that still say that the operator has not seen them."""
    listed: list[dict[str, Any]] = json.loads(await shop.kubectl("get", "tt,usub,rl", "-o", "json"))["items"]
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
    assert {name.rpartition("_")[2] for name in data} == set(PLURALS)
    for kind in PLURALS:
        one = {"apiVersion": "taskqueue.dev/v1alpha1", "kind": kind, "metadata": {"generation": 1}}
        assert argo_cd(one, data) == ("Progressing", "waiting for the operator")
