"""A server that may evict keys, and missing keys: in the log, in /metrics and in a note."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.process.retention import RetentionWatch
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store, open_store
from taskqueue.store.enqueue import enqueue
from taskqueue.store.limits import override_rate
from taskqueue.store.retention import read_retention
from tests.support.store.backlog import Server
from tests.support.store.raw import raw

TYPES = {name: TaskType(name, Schedule(interval_s=60), function="f") for name in ("sync", "send")}
USERS = {
    name: UserSubscription(name, (Subscription("sync"), Subscription("send"))) for name in ("ada", "bob")
}


def measured(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


@asynccontextmanager
async def on_server(**options: str) -> AsyncIterator[Store]:
    with Server(**options) as running:
        async with open_store(running.url) as store:
            yield store


async def test_a_server_without_evictions_logs_nothing(store: Store) -> None:
    watch = RetentionWatch(store)
    with capture_logs() as lines:
        await watch.look()
        await override_rate(store, 5)
        await watch.look()
        await Publisher(store).publish(TYPES, USERS)
        await watch.look()
        await Publisher(store).publish({"sync": TYPES["sync"]}, {})
        await watch.look()
    assert [line for line in lines if line["log_level"] != "info"] == []
    assert watch.note is None
    assert (measured("taskqueue_store_may_evict"), measured("taskqueue_store_missing_keys")) == (0, 0)
    found = await read_retention(store)
    assert found.policy == "noeviction"
    assert found.allocator == (await raw(store).info("memory"))["mem_allocator"]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_an_evicting_policy_is_logged_once(policy: str) -> None:
    async with on_server(**{"maxmemory-policy": policy}) as store:
        watch = RetentionWatch(store)
        with capture_logs() as lines:
            await watch.look()
            await watch.look()
        text = f"maxmemory-policy must be noeviction (was {policy}): an evicted key is lost work"
        assert [(line["event"], line["log_level"]) for line in lines] == [(text, "warning")]
        assert watch.note == text
        assert measured("taskqueue_store_may_evict") == 1
        await raw(store).config_set("maxmemory-policy", "noeviction")
        await watch.look()
        assert measured("taskqueue_store_may_evict") == 0
        assert not watch.note


@pytest.mark.parametrize("gone", ["installed", "config", "cursor", "types", "subscriptions:ada"])
async def test_a_missing_key_is_named(store: Store, gone: str) -> None:
    await Publisher(store).publish(TYPES, USERS)
    watch = RetentionWatch(store)
    await watch.look()
    assert watch.note is None
    await raw(store).unlink(store.keys(gone))
    with capture_logs() as lines:
        await watch.look()
    assert [(line["event"], line["keys"]) for line in lines] == [("keys missing that must exist", [gone])]
    assert watch.note == f"keys are missing that must exist: {gone}"
    assert measured("taskqueue_store_missing_keys") == 1


async def test_evicted_keys_are_counted_with_lost_jobs(store: Store) -> None:
    async with on_server(**{"maxmemory-policy": "allkeys-random"}) as full:
        await Publisher(full).publish(TYPES, USERS)
        watch = RetentionWatch(full)
        await watch.look()
        await enqueue(full, "sync", "ada")
        await raw(full).unlink(full.keys.ready("global", "normal"))
        before, count = measured("taskqueue_store_evicted_keys_total"), 0
        used = (await raw(full).info("memory"))["used_memory"]
        await raw(full).config_set("maxmemory", used + 1_000_000)
        while not (await raw(full).info("stats"))["evicted_keys"]:
            count += 1
            await raw(full).set(f"other-{count}", bytes(50_000))
        with capture_logs() as lines:
            await watch.look()
        (line,) = [line for line in lines if line["event"] == "server evicted keys"]
        evicted = (await raw(full).info("stats"))["evicted_keys"]
        assert line["keys"] == measured("taskqueue_store_evicted_keys_total") - before
        assert 0 < line["keys"] <= evicted


async def test_an_unknown_policy_logs_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(_name: str, *_: object) -> list[object]:
        return [b"", 0, 0, 0, [], b""]

    monkeypatch.setattr(store, "run", run)
    watch = RetentionWatch(store)
    await watch.look()
    assert watch.note is None
