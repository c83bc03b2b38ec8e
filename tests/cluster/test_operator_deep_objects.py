"""Objects that are nested deeper than a decoder goes: refused by their status, and everybody else runs."""

import asyncio
import json

from tests.support.kubernetes.shop import Object, Shop, subscription, subscriptions, task_type
from tests.support.site.probes import metric, probe
from tests.support.site.site import until

LEVELS = 1_200
DEEP = {
    "@lists": "[" * LEVELS + "]" * LEVELS,
    "@maps": '{"a":' * LEVELS + "1" + "}" * LEVELS,
}


def user(name: str, params: str) -> Object:
    return subscription(name, tasks=[{"type": "sync", "params": {"a": params}}])


async def apply(shop: Shop, *objects: Object) -> None:
    """Apply objects with params that Python's own encoder cannot write."""
    documents = "\n---\n".join(map(json.dumps, objects))
    for name, deep in DEEP.items():
        documents = documents.replace(f'"{name}"', deep)
    await shop.kubectl("apply", "--server-side", "-f", "-", stdin=documents)


async def are_refused(shop: Shop, message: str, *names: str) -> None:
    """Wait until each status says so; only that is asked for, as Python cannot decode the objects."""
    path = '{.metadata.name} {range .status.conditions[?(@.type=="Accepted")]}{.status} {.message}{end}\n'
    template = f"jsonpath={path}" if len(names) == 1 else f"jsonpath={{range .items[*]}}{path}{{end}}"

    async def check() -> bool:
        found = (await shop.kubectl("get", *names, "-o", template)).splitlines()
        return all(f"{name.split('/')[1]} False {message}" in "\n".join(found) for name in names)

    await until(f"{names} are refused", check, 20)


async def test_deep_objects_are_refused_and_the_rest_runs(shop: Shop) -> None:
    deep_user = "spec.tasks[0].params: mappings and lists must be nested at most 32 levels deep"
    await apply(
        shop,
        task_type("sync"),
        *subscriptions(3, "sync"),
        task_type("deep", params={"a": "@lists"}),
        user("u-001-lists", "@lists"),
        user("u-001-maps", "@maps"),
    )
    operator = await shop.operator()
    await shop.world.worker()
    await shop.dealt(3)
    await are_refused(
        shop, "spec.params: mappings and lists must be nested at most 32 levels deep", "tt/deep"
    )
    await are_refused(shop, deep_user, "usub/u-001-lists", "usub/u-001-maps")

    await apply(shop, user("u-002-lists", "@lists"), user("u-002-maps", "@maps"), user("u-000", "@maps"))
    await are_refused(shop, deep_user, "usub/u-002-lists", "usub/u-002-maps", "usub/u-000")
    await apply(shop, user("u-001-maps", "eu"))
    await shop.kubectl("delete", "usub", "u-001-lists", "u-002-lists", "u-002-maps")
    await shop.dealt(4)

    async def deleted_ones_are_forgotten() -> bool:
        return await metric(shop.world, operator, "taskqueue_operator_objects", kind="UserSubscription") == 4

    await until("deleted objects are forgotten", deleted_ones_are_forgotten)
    await shop.started(10)
    assert await shop.owners() == {"u-000", "u-001", "u-001-maps", "u-002"}
    assert operator.returncode is None
    assert (await probe(shop.world, operator, "/livez"))[0] == 200
    assert "Traceback" not in await asyncio.to_thread(shop.world.logs[operator.pid].read_text)
