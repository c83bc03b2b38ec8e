"""A stored object with a field that is gone: the operator refuses it in its status, and goes on."""

import asyncio
import json
import signal

import yaml

from tests.support.kubernetes.shop import ROOT, Shop, install_definitions, subscription, task_type
from tests.support.site.site import until


def without_rule() -> str:
    """Return the definition as it was while the field was taken."""
    definition = yaml.safe_load((ROOT / "crds" / "tasktypes.taskqueue.dev.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"]["rateLimit"]["x-kubernetes-validations"]
    return json.dumps(definition)


async def test_a_stored_limit_of_each_user_is_a_refused_type(shop: Shop) -> None:
    former = task_type("former", rateLimit={"perUserPerSecond": "0.5"})

    async def is_taken() -> bool:
        document = json.dumps(former)
        done = await asyncio.to_thread(
            shop.cluster.attempt, "-n", shop.namespace, "apply", "--server-side", "-f", "-", stdin=document
        )
        return done.returncode == 0

    async def is_refused() -> bool:
        former["metadata"]["name"] = "later"
        return not await is_taken()

    try:
        await shop.kubectl("apply", "--server-side", "-f", "-", stdin=without_rule())
        await until("an API server without the rule takes the type", is_taken, 20)
    finally:
        await asyncio.to_thread(install_definitions, shop.cluster)
    await until("the rule is back", is_refused, 20)
    operator = await shop.operator()
    await shop.apply(task_type("sync"), subscription("ada", "sync", "former"))
    await shop.says("tt", "former", "Accepted", "False", "Invalid")
    described = " ".join((await shop.kubectl("describe", "tt", "former")).split())
    assert "remove perUserPerSecond: add the RateLimit {metadata: {name: former-user}, " in described
    assert "spec: {key: User, rate: {requests: 1, per: 2s}}}, and limits: [{name: former-user}]" in described
    await shop.says("usub", "ada", "ResolvedRefs", "False", "TaskTypeRefused")
    await shop.says("tt", "sync", "Ready", "True", "Scheduled")
    assert await shop.world.end(operator, signal.SIGTERM) == 0
