"""Random user ids on every path: each arrives as it was, and no two meet in a key, a member or the name of a job.

TASKQUEUE_FUZZ is the number of ids: 300 with every change, 100,000 in `make fuzz`.
"""

import csv
import json
import os
import re
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from taskqueue.handlers import Job
from taskqueue.handlers.http_call import HttpClient
from taskqueue.models.identity import is_user_id
from taskqueue.models.manifest import parse as parse_manifest
from taskqueue.models.outcome import Outcome
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.values import (
    ConcurrencyPolicy,
    HttpCall,
    Limit,
    LimitKey,
    Schedule,
    Subscription,
    TaskType,
    UserLimit,
    UserSubscription,
)
from taskqueue.plan.segment import DueRange
from taskqueue.sources.manifest_file import read_manifest_file
from taskqueue.sources.users_file import read_users
from taskqueue.store.audit import audit
from taskqueue.store.claim import Result, claim
from taskqueue.store.connection import Store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.enqueue import enqueue
from taskqueue.store.families import family_of
from taskqueue.store.inspection import inspect
from taskqueue.store.job_name import owner_of, parse, split_lease
from taskqueue.store.keys import Keys
from taskqueue.store.limits import set_rate
from taskqueue.store.lookup import find_jobs, find_stored_users, read_user_places
from taskqueue.store.runs import read_runs
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.tick import tick
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from taskqueue.store.user_key import escape_limit, escape_user, read_limit_name, read_user
from taskqueue.store.user_limits import read_user_limits
from taskqueue.store.users import read_stored_users, set_users
from taskqueue.testing import Permits
from tests.support.store.script_clock import ScriptClock

COUNT = int(os.environ.get("TASKQUEUE_FUZZ") or "300")
SEED = int.from_bytes(os.urandom(4)) if "TASKQUEUE_FUZZ" in os.environ else 1
#: Ids that are looked up one by one, or stand together in one file of manifests.
FEW = min(COUNT, 1_000)
ROOT = Path(__file__).parents[2]
PRINTABLE = [chr(code) for code in range(0x21, 0x7F) if chr(code) != "/"]
#: Characters that separate, encode and match: ids of these alone are often nearly the same.
TRICKY = list("ab|:%37CA~;=*?[]{}\\\"'-#,")
ODD = [" ", "/", "\0", "\t", "\n", "\x7f", "\xa0", "é", "\u2028", "\u2131", "\U0001f600"]
HOUR = Schedule(interval_s=3600)
SYNC = TaskType("sync", HOUR, concurrency_policy=ConcurrencyPolicy.FORBID, limits=("shop",))
SHOP = Limit("shop", LimitKey.USER, 1_000.0)
LEASE_MS = 600_000


def random_ids(most: int) -> list[str]:
    """Return different ids; of many also the encoded form, which is an id of its own."""
    random, found = Random(SEED), dict[str, None]()
    while len(found) < most:
        size = random.choice((1, 2, 3, 4, 6, 10, 40, 128))
        user = "".join(random.choices(random.choice((PRINTABLE, TRICKY)), k=size))
        found[user] = None
        if len(escape_user(user)) <= 128:
            found[escape_user(user)] = None
    return list(found)[:most]


IDS = random_ids(COUNT)


def batches(size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(IDS), size):
        yield IDS[start : start + size]


def test_no_two_ids_meet_in_the_store() -> None:
    keys = Keys("shop")
    assert len({escape_user(user) for user in IDS}) == COUNT
    for user in IDS:
        stored = escape_user(user)
        assert re.fullmatch(r"[A-Za-z0-9._~@+%-]+", stored), user
        assert read_user(stored) == user
        assert read_limit_name(escape_limit(f"shop|{user}")) == f"shop|{user}"
        for key in (keys.subscriptions(user), keys.runs(user)):
            assert keys.is_permanent(key)
            assert family_of(key.removeprefix(keys.prefix)) is not None
        for name in (f"sync|{stored}|1764000000|250|0", f"sync|{stored}|~id|1764000000250|0"):
            assert parse(name).user == owner_of(name)[1] == user
            assert split_lease(f"{name}|worker.1|7x") == (name, "worker.1")


def crd_takes(user_id: str, definition: Any) -> bool:
    """Tell whether the schema and the rules of the definition take an id."""
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    field = schema["properties"]["spec"]["properties"]["userId"]
    patterns = [
        found[1] for rule in field["x-kubernetes-validations"] if (found := MATCHES.fullmatch(rule["rule"]))
    ]
    assert patterns
    return len(user_id) <= field["maxLength"] and all(
        re.search(pattern.replace("$", r"\Z"), user_id) for pattern in patterns
    )


MATCHES = re.compile(r"self\.matches\('(.*)'\)")


def test_manifest_and_definition_have_one_verdict() -> None:
    definition = yaml.safe_load((ROOT / "crds" / "usersubscriptions.taskqueue.dev.yaml").read_text("utf-8"))
    random = Random(SEED)
    texts = ["", "x" * 129, "|" * 129]
    for user in IDS:
        at = random.randrange(len(user) + 1)
        texts += [user, user[:at] + random.choice(ODD) + user[at:]]
    for text in texts:
        manifest = {
            "apiVersion": "taskqueue.dev/v1alpha1",
            "kind": "UserSubscription",
            "metadata": {"name": "of-somebody"},
            "spec": {"userId": text},
        }
        try:
            value = parse_manifest(manifest)
            taken = isinstance(value, UserSubscription) and value.user_id == text
        except ManifestRefusedError as error:
            assert [refusal.field for refusal in error.refusals] == ["spec.userId"]  # noqa: PT017
            taken = False
        assert taken == crd_takes(text, definition) == is_user_id(text), text


def test_files_keep_ids(tmp_path: Path) -> None:
    ndjson, table, manifests = (tmp_path / name for name in ("a.ndjson", "a.csv", "a.yaml"))
    ndjson.write_text("".join(json.dumps({"userId": user, "tasks": [{"type": "a"}]}) + "\n" for user in IDS))
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("userId", "type"), *((user, "a") for user in IDS)])
    for path in (ndjson, table):
        rows = [row for _, row in read_users(path)]
        assert [row.user_id if isinstance(row, UserSubscription) else row for row in rows] == IDS
    manifests.write_text(
        yaml.safe_dump_all(
            (
                {
                    "apiVersion": "taskqueue.dev/v1alpha1",
                    "kind": "UserSubscription",
                    "metadata": {"name": f"n{number}"},
                    "spec": {"userId": user},
                }
                for number, user in enumerate(IDS[:FEW])
            ),
            default_style='"',
        )
    )
    found = read_manifest_file(manifests)
    assert found.faults == ()
    assert [key.name for key in found.declarations] == IDS[:FEW]


async def test_an_api_reads_ids_in_headers() -> None:
    seen = list[tuple[str, str]]()

    async def handle(request: web.Request) -> web.Response:
        seen.append((request.headers["X-Taskqueue-User"], request.headers["Idempotency-Key"]))
        return web.Response()

    app, client = web.Application(), HttpClient()
    app.router.add_post("/", handle)
    async with TestServer(app) as server:
        call = client.resolve(HttpCall(str(server.make_url("/")), "POST"))
        for user in IDS:
            await call(Job("sync", user, 60, 60_500, {}, 1, Permits()))
        await client.close()
    assert seen == [(user, f"sync/{user}/60") for user in IDS]


async def install(store: Store) -> None:
    version = await put_limits(store, (await read_catalog(store)).version, [SHOP])
    await put_types(store, version, [TypeRecord(SYNC, (Generation(1, HOUR),))])
    await set_rate(store, 1_000_000)


async def run_jobs(store: Store, clock: ScriptClock, calls: Iterator[int]) -> dict[str, str]:
    """Run all jobs; return the name of each by its user. calls: numbers of the worker's claims."""
    ran, results, idle = dict[str, str](), list[Result](), 0
    while idle < 50:
        got = await claim(store, "w", next(calls), 500, LEASE_MS, results)
        results = [Result(job.lease, Outcome.DONE) for job in got.jobs]
        for job in got.jobs:
            user = parse(job.lease).user
            assert user not in ran, user
            ran[user] = split_lease(job.lease)[0]
        idle = 0 if got.jobs else idle + 1
        await clock.advance(us=250_000)
    return ran


async def test_users_do_not_mix_in_the_store(store: Store, clock: ScriptClock) -> None:
    await install(store)
    calls = count(1)
    for batch in batches(200):
        users = [
            UserSubscription(
                user, (Subscription("sync", {"user": user}),), limits=(UserLimit("shop", 500.0),)
            )
            for user in batch
        ]
        assert await set_users(store, "folder", users) == []
        assert await set_users(store, "client", users) == list(batch)
    assert (await read_stored_users(store)).keys() == set(IDS)
    assert (await read_user_limits(store, ["shop"])).keys() == set(IDS)
    catalog, cursor = await read_catalog(store), await read_cursor(store)
    due = DueRange("sync", 1, 0, 1 << 40, 1_000, 0, SYNC.priority)
    assert (await tick(store, cursor, cursor + 1, catalog.version, [due])).emitted == COUNT
    for user in IDS[:10]:
        assert [parse(job.name).user for job in await find_jobs(store, user)] == [user]
    assert (await run_jobs(store, clock, calls)).keys() == set(IDS)
    adhoc = {user: await enqueue(store, "sync", user, job_id="one") for user in IDS}
    assert len(set(adhoc.values())) == COUNT
    assert {user: parse(name).user for user, name in adhoc.items()} == {user: user for user in IDS}
    assert await run_jobs(store, clock, calls) == adhoc
    for user in IDS[:FEW]:
        (owner,), (task,) = await find_stored_users(store, [user]), await read_subscriptions(store, user)
        assert owner is not None
        assert task.params == {"user": user}
        assert (await read_runs(store, user)).keys() == {"sync"}
        assert (await read_user_places(store, user, [("sync", 1)])).keys() == {("sync", 1)}
    assert await inspect(store) == []
    assert store.malformed.locations == {}
    found = await audit(store)
    assert (found.difference, found.totals["done"]) == (0, 2 * COUNT)
    for batch in batches(200):
        await set_users(store, "folder", [UserSubscription(user) for user in batch])
    assert await read_stored_users(store) == {}
    assert await read_user_limits(store, ["shop"]) == {}
