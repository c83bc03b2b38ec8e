"""The operator on a real API server: objects become jobs, exactly as planned, and status reports their state."""

import asyncio
import re
import signal
from collections import Counter

from taskqueue.store.cursor import read_cursor
from taskqueue.store.pause import pause
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog
from taskqueue.store.users import read_stored_users
from tests.support.kubernetes.shop import ROLE, Shop, subscription, subscriptions, task_type
from tests.support.site.site import until
from tests.support.store.commands import commands_on
from tests.support.store.raw import raw

USERS = 60


async def test_objects_become_jobs_and_every_edit_is_followed(shop: Shop) -> None:
    await shop.operator()
    worker = await shop.world.worker()
    await shop.apply(task_type("sync"), task_type("report", "3s"), *subscriptions(USERS, "sync", "report"))
    await shop.kubectl("wait", "--for=condition=Ready", "tasktype/sync", "usub/u-000", "--timeout=30s")
    await shop.dealt(2 * USERS)
    after_ms = await read_cursor(shop.world.store)
    await shop.started(300)
    await shop.exactly_as_planned(after_ms)
    before = shop.planned.places["sync", 1]

    await shop.apply(task_type("report", "3s", suspend=True))
    await shop.says("tt", "report", "Ready", "True", "Suspended")
    await shop.kubectl("delete", "usub", "u-000", "u-001")
    await shop.gone({"u-000", "u-001"})
    await shop.started(100)  # what was under way
    last = len(shop.world.starts())
    await shop.started(200)
    for start in shop.world.starts()[last:]:
        assert (start.type, start.user in {"u-000", "u-001"}) == ("sync", False)
    await shop.planned.look(shop.world.store)
    now = shop.planned.places["sync", 1]
    assert now == {user: before[user] for user in before.keys() - {"u-000", "u-001"}}, "no user was moved"
    assert await shop.world.end(worker, signal.SIGTERM) == 0


async def test_status_tells_a_fault_and_its_repair(shop: Shop) -> None:
    operator = await shop.operator()
    await shop.apply(
        task_type("sync"),
        subscription("ada", "sync", "nowhere"),
        subscription("eve", "never"),
        task_type("locked", params={"region": "eu"}, lockedParams=["region"]),
        subscription("zoe", tasks=[{"type": "sync"}, {"type": "locked", "params": {"region": "us"}}]),
        task_type("never", params={"note": "n" * 1_100}),  # which only the operator can refuse
        subscription("max", timeZone="Asia/Tokyo", tasks=[{"type": "tiers", "interval": "90s"}]),
        subscription("tim", tasks=[{"type": "tiers", "interval": "2m"}]),
        task_type("tiers", schedule={"interval": "5m", "intervals": ["90s"]}),
        task_type("unheard", handler={"function": "unheard"}),
    )
    await shop.says("usub", "ada", "ResolvedRefs", "False", "TaskTypeNotFound")
    await shop.says("usub", "eve", "ResolvedRefs", "False", "TaskTypeRefused")
    assert "task type never is refused: spec.params: " in await shop.kubectl("describe", "usub", "eve")
    await shop.says("usub", "zoe", "ResolvedRefs", "False", "ParamsLocked")
    assert {task.type for task in await read_subscriptions(shop.world.store, "zoe") if task.suspended} == {
        "locked"
    }
    await shop.says("usub", "tim", "ResolvedRefs", "False", "IntervalNotOffered")
    await shop.says("usub", "max", "ResolvedRefs", "True", "Resolved")
    (tiers,) = await read_subscriptions(shop.world.store, "max")
    numbers = (await read_catalog(shop.world.store)).variants
    assert (tiers.interval_s, set(numbers)) == (90, {"Asia/Tokyo", "90"})
    assert (await read_stored_users(shop.world.store))["max"].zone == numbers["Asia/Tokyo"]
    await shop.says("usub", "ada", "Ready", "True", "Scheduled")
    await shop.says("tt", "sync", "HandlerRegistered", "Unknown", "NoWorkerSeen")
    await shop.world.worker()
    await shop.says("tt", "sync", "HandlerRegistered", "True", "Registered")
    await shop.says("tt", "unheard", "HandlerRegistered", "False", "NotRegistered")
    await shop.apply(subscription("duplicate", "sync", userId="ada"), task_type("nowhere"))
    await shop.says("usub", "duplicate", "Accepted", "False", "DuplicateUser")
    await shop.says("usub", "ada", "ResolvedRefs", "True", "Resolved")
    await shop.kubectl("delete", "usub", "ada")
    await shop.says("usub", "duplicate", "Ready", "True", "Scheduled")
    await shop.apply(task_type("huge", "1s", cost=1_000), subscription("bob", "huge"))
    await shop.says("tt", "huge", "Feasible", "False", "DoesNotFit")
    await shop.says("tt", "sync", "Feasible", "False", "DoesNotFit")
    await shop.says("usub", "bob", "Ready", "True", "Scheduled")

    await pause(shop.world.store, "sync")
    await shop.says("tt", "sync", "Ready", "True", "Paused")
    described = await shop.kubectl("describe", "tt", "unheard")
    assert re.search(
        r"Warning +NotRegistered .*taskqueue.dev/operator +no worker has a handler named", described
    )
    columns = ("get", "tt,usub", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
    versions, cursor_ms = await shop.kubectl(*columns), await read_cursor(shop.world.store)

    async def four_seconds_later() -> bool:
        return await read_cursor(shop.world.store) > cursor_ms + 4_000

    await until("rounds of status have passed", four_seconds_later)
    assert await shop.kubectl(*columns) == versions, "nothing is written while nothing changes"
    assert await shop.world.end(operator, signal.SIGTERM) == 0


async def test_status_and_events_tell_who_the_circuit_breaker_suspended(shop: Shop) -> None:
    await shop.operator()
    await shop.world.worker()
    revoked = shop.world.revoked
    revoked.write_text("zoe")
    fails = {"handler": {"function": "record-or-discard"}, "suspendAfter": 2}
    await shop.apply(task_type("sync", "1s", **fails), *subscriptions(4, "sync"), subscription("zoe", "sync"))
    await shop.says("usub", "zoe", "SuspendedByBreaker", "True", "FailedForGood")
    shown = await shop.kubectl("describe", "usub", "zoe")
    assert re.search(
        r"Message: +nothing of sync since \S+Z \(401 Unauthorized\) starts: `taskqueue resume", shown
    )
    assert re.search(r"Warning +FailedForGood .*taskqueue.dev/operator +nothing of sync since", shown)
    assert (await shop.get("tt", "sync"))["status"]["suspendedByBreaker"] == 1
    conditions = (await shop.get("usub", "u-000"))["status"]["conditions"]
    assert {one["type"] for one in conditions} == {"Accepted", "Ready", "ResolvedRefs"}

    revoked.unlink()
    taskqueue = commands_on(shop.world.url, shop.world.release)
    assert (await taskqueue("resume", "sync", "--user", "zoe")).exit_code == 0
    await shop.says("usub", "zoe", "SuspendedByBreaker", "False", "Resumed")
    assert re.search(
        r"Normal +Resumed .*taskqueue.dev/operator", await shop.kubectl("describe", "usub", "zoe")
    )
    assert (await shop.get("tt", "sync"))["status"]["suspendedByBreaker"] == 0
    assert (await taskqueue("pause", "--user", "zoe", "--for", "1h")).exit_code == 0
    await shop.says("usub", "zoe", "Ready", "True", "Paused")


async def test_an_object_keeps_its_user_across_a_restart(shop: Shop) -> None:
    operator = await shop.operator()
    too_big = {"type": "sync", "params": {"note": "n" * 1_100}}  # which only the operator can refuse
    first = subscription("a", userId="ada") | {"spec": {"userId": "ada", "tasks": [too_big]}}
    await shop.apply(task_type("sync"), first)
    await shop.says("usub", "a", "Accepted", "False", "Invalid")
    await shop.apply(subscription("b", "sync", userId="ada"))
    await shop.says("usub", "b", "Accepted", "True", "Valid")
    await shop.apply(subscription("a", "sync", "other", userId="ada"))  # older, and good by now
    await shop.says("usub", "a", "Accepted", "False", "DuplicateUser")
    before = await read_stored_users(shop.world.store)
    assert await shop.world.end(operator, signal.SIGTERM) == 0
    await shop.apply(subscription("b", userId="ada") | {"spec": {"userId": "ada", "tasks": [too_big]}})
    await shop.operator()
    await shop.says("usub", "b", "Accepted", "False", "Invalid")
    assert (await read_stored_users(shop.world.store))["ada"] == before["ada"]
    await shop.says("usub", "a", "Accepted", "False", "DuplicateUser")
    await shop.kubectl("delete", "usub", "b")
    await shop.says("usub", "a", "Accepted", "True", "Valid")


async def test_failing_lists_and_other_namespaces_remove_no_user(shop: Shop) -> None:
    operator = await shop.operator()
    await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
    await shop.dealt(USERS)
    other = f"{shop.namespace}-other"
    await shop.kubectl("create", "namespace", other)
    try:
        await shop.kubectl("apply", "-n", other, "-f", str(ROLE))
        kubeconfig = await asyncio.to_thread(shop.cluster.kubeconfig_for, "taskqueue-operator", other)
        foreign = await shop.world.operator(kubeconfig, other)
        await shop.world.says(foreign, f"the objects in the Kubernetes namespace {shop.namespace}")
        assert await shop.world.end(foreign, signal.SIGTERM) == 0
    finally:
        await shop.kubectl("delete", "namespace", other, "--wait=false")
    assert await shop.world.end(operator, signal.SIGTERM) == 0

    await shop.kubectl("delete", "role", "taskqueue-operator")
    blind = await shop.operator()
    await shop.world.says(blind, "list failed")
    await shop.world.end(blind, signal.SIGKILL)
    del shop.world.logs[blind.pid]  # this one was to be refused
    assert len(await shop.owners()) == USERS


async def test_a_deletion_during_downtime_is_seen_at_the_start(shop: Shop) -> None:
    operator = await shop.operator()
    await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
    await shop.dealt(USERS)
    assert await shop.world.end(operator, signal.SIGTERM) == 0
    await shop.kubectl("delete", "usub", "u-000")
    await shop.apply(  # which only the operator can refuse
        task_type("never", schedule={"cron": "0 0 LW * */7"}),
        task_type("wide", schedule={"cron": "0 2 * * *"}, window="48h"),
    )
    await shop.operator()
    await shop.gone({"u-000"})
    assert len(await shop.owners()) == USERS - 1
    assert set((await read_catalog(shop.world.store)).records) == {"sync"}
    await shop.says("tt", "never", "Accepted", "False", "Invalid")
    await shop.says("tt", "wide", "Accepted", "False", "Invalid")


async def test_uneven_cron_steps_are_the_message_of_an_accepted_type(shop: Shop) -> None:
    await shop.operator()
    await shop.apply(task_type("uneven", schedule={"cron": "*/90 * * * *"}))
    await shop.says("tt", "uneven", "Accepted", "True", "Valid")
    shown = await shop.kubectl("describe", "tt", "uneven")
    assert "for every 90 minutes write interval: 90m" in shown


async def test_an_emptied_store_resumes_from_the_copied_cursor(
    shop: Shop,
) -> None:
    first = await shop.operator()
    worker = await shop.world.worker()
    await shop.apply(task_type("sync"), *subscriptions(USERS, "sync"))
    await shop.dealt(USERS)
    await shop.started(100)
    await shop.world.end(first, signal.SIGKILL)
    assert await shop.world.end(worker, signal.SIGTERM) == 0
    store = shop.world.store
    cursor_ms = await read_cursor(store)
    await raw(store).unlink(*[key async for key in raw(store).scan_iter(match=store.keys("*"))])
    await shop.operator()
    await shop.world.worker()
    await shop.started(300)

    await shop.without_holes()
    twice = Counter((s.user, s.occurrence) for s in shop.world.starts())
    again = {s.due_ms for s in shop.world.starts() if twice[s.user, s.occurrence] > 1}
    assert all(due_ms > cursor_ms - 4_000 for due_ms in again), "only jobs due since the last copy"
