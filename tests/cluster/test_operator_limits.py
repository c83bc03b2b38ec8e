"""RateLimits on a real API server: each condition of limits, and of the types and users that name them."""

import signal

from taskqueue.store.cursor import read_cursor
from taskqueue.store.types import read_catalog
from tests.support.kubernetes.shop import Object, Shop, own_limit, rate_limit, subscription, task_type
from tests.support.site.probes import metric
from tests.support.site.site import until

USER = {"key": "User", "within": "app"}


def under(name: str, *limits: str) -> Object:
    return task_type(name, limits=[{"name": limit} for limit in limits])


async def says(shop: Shop, kind: str, name: str, condition: str, message: str) -> None:
    """Wait until a condition has a text in its message, and describes the current generation."""

    async def check() -> bool:
        one = await shop.get(kind, name)
        found = {had["type"]: had for had in one["status"]["conditions"]}.get(condition, {})
        generation = one["metadata"]["generation"]
        return message in found.get("message", "") and found.get("observedGeneration") == generation

    await until(f"{kind}/{name}: {condition} says {message}", check, 20)


async def stored_limits(shop: Shop, name: str, *limits: str) -> None:
    """Wait until the store has a type that names exactly these limits."""

    async def check() -> bool:
        record = (await read_catalog(shop.world.store)).records.get(name)
        return record is not None and record.task_type.limits == limits

    await until(f"{name} names {limits} in the store", check, 20)


async def test_missing_limits_are_reported_until_they_are_applied(shop: Shop) -> None:
    operator = await shop.operator()
    await shop.apply(under("sync", "shop"), under("free"), subscription("ada", limits=[own_limit("shop")]))
    await shop.says("tt", "sync", "ResolvedRefs", "False", "RateLimitNotFound")
    await shop.says("tt", "sync", "Ready", "True", "Scheduled")
    await shop.says("tt", "free", "ResolvedRefs", "True", "Resolved")
    await shop.says("usub", "ada", "ResolvedRefs", "False", "RateLimitNotFound")
    await says(
        shop, "tt", "sync", "ResolvedRefs", "no such RateLimit: shop: apply it, or remove it from spec.limits"
    )
    await says(shop, "usub", "ada", "ResolvedRefs", "no such RateLimit: shop: apply it, or remove")
    assert "RateLimitNotFound" in await shop.kubectl("get", "events", "-o", "wide")

    await shop.apply(rate_limit("shop", 2, burst=40, **USER))
    await shop.says("rl", "shop", "Accepted", "True", "Valid")
    await shop.says("rl", "shop", "Ready", "False", "RateLimitNotFound")
    await shop.says("usub", "ada", "ResolvedRefs", "True", "Resolved")
    await says(
        shop, "tt", "sync", "ResolvedRefs", "no such RateLimit: app: apply it, or remove spec.within of shop"
    )
    await shop.apply(rate_limit("app"))
    await shop.statuses_current()
    await shop.says("tt", "sync", "ResolvedRefs", "True", "Resolved")
    assert await metric(shop.world, operator, "taskqueue_operator_objects", kind="RateLimit") == 2
    assert await metric(shop.world, operator, "taskqueue_operator_watch_age_seconds", kind="RateLimit") < 45

    columns = ("get", "tt,usub,rl", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    versions, cursor_ms = await shop.kubectl(*columns), await read_cursor(shop.world.store)

    async def four_seconds_later() -> bool:
        return await read_cursor(shop.world.store) > cursor_ms + 4_000

    await until("rounds of status have passed", four_seconds_later)
    assert await shop.kubectl(*columns) == versions, "nothing is written while nothing changes"


async def test_limits_that_do_not_fit_are_refused_and_the_last_state_stays(shop: Shop) -> None:
    operator = await shop.operator()
    fitting = [rate_limit("app"), rate_limit("other"), rate_limit("shop", 2, **USER)]
    await shop.apply(*fitting, under("sync", "app", "shop"), subscription("ada", "sync"))
    await shop.statuses_current()

    await shop.apply(rate_limit("shop", 7))
    await shop.says("rl", "shop", "Accepted", "False", "Conflict")
    await shop.says("rl", "shop", "Ready", "False", "Conflict")
    await says(
        shop,
        "rl",
        "shop",
        "Accepted",
        "spec: must fit TaskType sync: spec.limits must be at most one limit with",
    )
    await says(shop, "rl", "shop", "Accepted", "(the last accepted state stays in force)")
    await shop.says("tt", "sync", "ResolvedRefs", "True", "Resolved")
    await shop.apply(under("sync", "app", "other"))
    await shop.says("tt", "sync", "Accepted", "False", "Conflict")
    await stored_limits(shop, "sync", "app", "shop")
    own = subscription("ada", "sync", limits=[own_limit("app")])
    await shop.apply(own)
    await shop.says("usub", "ada", "Accepted", "False", "Conflict")
    await shop.says("usub", "ada", "ResolvedRefs", "False", "RateLimitNotPerUser")
    await says(shop, "usub", "ada", "ResolvedRefs", 'must be limits with key User (was "app, key Release")')
    assert await shop.owners() == {"ada"}

    assert await shop.world.end(operator, signal.SIGTERM) == 0
    await shop.apply(under("late", "app", "other"))
    await shop.operator()
    await shop.says("tt", "late", "Accepted", "False", "Conflict")
    for kind, name in (("rl", "shop"), ("tt", "sync"), ("usub", "ada")):  # as before the restart
        await shop.says(kind, name, "Accepted", "False", "Conflict")
    await shop.says("rl", "app", "Accepted", "True", "Valid")
    await stored_limits(shop, "sync", "app", "shop")
    assert await shop.owners() == {"ada"}

    await shop.kubectl("delete", "tt", "late")
    await shop.apply(under("sync", "shop"), subscription("ada", "sync"))
    await shop.statuses_current()
    await stored_limits(shop, "sync", "shop")


async def test_a_deleted_limit_in_use_is_reported_as_in_force(shop: Shop) -> None:
    await shop.operator()
    await shop.apply(rate_limit("app"), rate_limit("shop", 2, **USER), under("sync", "shop"))
    await shop.apply(subscription("ada", "sync", limits=[own_limit("shop")]))
    await shop.statuses_current()
    await shop.kubectl("delete", "rl", "app")
    await shop.says("rl", "shop", "Ready", "True", "RateLimitDeleted")
    await shop.kubectl("delete", "rl", "shop")
    for kind, name in (("tt", "sync"), ("usub", "ada")):
        await shop.says(kind, name, "ResolvedRefs", "False", "RateLimitDeleted")
        await says(
            shop, kind, name, "ResolvedRefs", "shop is deleted, its last value stays in force until no type"
        )
    await shop.apply(under("sync"))
    await shop.says("tt", "sync", "ResolvedRefs", "True", "Resolved")
    await shop.says("usub", "ada", "ResolvedRefs", "False", "RateLimitNotFound")


async def test_kubectl_explains_the_fields_of_limits(shop: Shop) -> None:
    async def explained(field: str) -> str:
        return " ".join((await shop.kubectl("explain", field)).split())

    assert "Accepted (the manifest is valid and fits" in await explained("rl.status.conditions")
    assert "and so is the limit that it is within" in await explained("ratelimits.status")
    assert "ResolvedRefs (every limit in limits exists" in await explained("tt.status.conditions")
    assert "Requests that may follow each other at once" in await explained("rl.spec.burst")
    assert "Name of the Release limit that this limit is part of" in await explained("rl.spec.within")
    assert "RateLimits that the type's jobs take from" in await explained("tt.spec.limits")
    assert "The user's own values at limits with key User" in await explained("usub.spec.limits")
