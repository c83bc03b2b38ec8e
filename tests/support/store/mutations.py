"""Unreadable values, put into every kind of place of a release, as a bug or another release would."""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

from redis.exceptions import ResponseError

from taskqueue.plan.lanes import Lane
from taskqueue.store.connection import Store
from tests.support.store.raw import raw

#: What a field, a string or a member may turn into. No place takes any of them for a value but where _VALUES says so.
GARBAGE = (
    b"",
    b"garbage",
    b"\xff\xfe\x00",
    b"nan",
    b"inf",
    b"-inf",
    b"1e300",
    b"-1",
    b"0.5",
    b"9" * 40,
    b"|||||||||",
    b"[1,2]",
    b'{"version":2}',
    b"\x91" * 3_000,
    "\u20ac".encode(),
)
_VALUES = {("config", "rate"): b"0.5"}
_QUEUES = ("ready:", "parked:", "suspects")
_WITH_TTL = ("claims:", "tats")
_STRINGS = ("cursor", "installed", "spread:i60/60", "claims:w")
SCORES = ("inf", "-inf", "1e300", "-1e300", "0.5")
LIMITER = (
    *("start_us", "cost", "max_cost", "closed_until_us", "first_seen_us", "last_call_us", "reap_from_us"),
    *("due_covered_us", "idle_poll_us", "lane_position", "seen_version"),
)
METRICS = ("emitted", "enqueued", "done", "skipped", "reserved_slots", "malformed")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change. verb: field, member, score, string or type. destroys: jobs that were there before may be gone."""

    verb: str
    name: str
    field: str = ""
    value: bytes = b""
    destroys: bool = False

    async def apply(self, store: Store) -> None:
        """Make the change, unless the type of the key changes at the same time."""
        with contextlib.suppress(ResponseError):
            await self._apply(store)

    async def _apply(self, store: Store) -> None:
        client, key = raw(store), store.keys(self.name)
        if self.verb == "type":
            await client.unlink(key)
            await (client.rpush if self.value == b"list" else client.set)(key, "of another type")
            await self._expire(store)
            return
        wanted = {"field": b"hash", "member": b"zset", "score": b"zset", "string": b"string"}[self.verb]
        if await client.type(key) not in {wanted, b"none"}:
            return  # hit before, and not looked at yet
        if self.verb == "field":
            await client.hset(key, self.field, self.value)
            await self._expire(store)
        elif self.verb == "string":
            await client.set(key, self.value)
            await self._expire(store)
        elif self.verb == "member":
            await client.zadd(key, {self.value: "1"})
            await self._enter(store)
            await self._expire(store)
        elif await client.zadd(key, {self.field: self.value}) and self.name.startswith(_QUEUES):
            await _count_in(store)
            await self._enter(store)

    async def _expire(self, store: Store) -> None:
        """Give a key that scripts give a TTL one."""
        if self.name.startswith(_WITH_TTL):
            await raw(store).expire(store.keys(self.name), 60)

    async def _enter(self, store: Store) -> None:
        """Enter an added member into its index, as every script that adds a job does."""
        if self.name.startswith("parked:"):
            entry = {self.name.removeprefix("parked:"): 1}
            await raw(store).zadd(store.keys("limits_free_at"), entry, nx=True)
        elif self.name.startswith("ready:"):
            await raw(store).zadd(store.keys("lanes_due"), {self.name.removeprefix("ready:"): 1}, nx=True)


async def _count_in(store: Store) -> None:
    """Account for a job that a mutation added, or gave a wrong score."""
    metrics = store.keys("metrics")
    with contextlib.suppress(ResponseError):  # hit before, too
        await raw(store).hincrby(metrics, "enqueued", 1)


def every_kind(task_type: str, user: str) -> Iterator[Mutation]:
    """Yield one mutation for each kind of place; the type and the user are the only ones that are hit by name."""
    for name, field in _fields(task_type, user):
        yield Mutation("field", name, field, b"garbage", destroys=name in {"metrics", "payload"})
    for number, name in enumerate(_queues(task_type, user)):
        yield Mutation("member", name, "", b"garbage")
        yield Mutation("score", name, f"{task_type}|{user}|{number}|1|0", b"inf")
    for name in _STRINGS:
        yield Mutation("string", name, "", b"garbage")
    for name in _keys(task_type, user):
        yield Mutation("type", name, "", b"string", destroys=True)


def any_mutation(chance: random.Random, task_type: str, user: str) -> Mutation:
    """Return a mutation of any place to anything."""
    value = chance.choice(GARBAGE)
    match chance.choice(("field", "field", "field", "member", "score", "string", "type")):
        case "field":
            name, field = chance.choice(list(_fields(task_type, user)))
            if chance.random() < 0.1:
                field = "\u20ac"
            if _VALUES.get((name, field)) == value:
                value = b"garbage"
            return Mutation("field", name, field, value, destroys=name in {"metrics", "payload"})
        case "member":
            return Mutation("member", chance.choice(list(_queues(task_type, user))), "", value or b" ")
        case "score":
            name = chance.choice(list(_queues(task_type, user)))
            member = f"{task_type}|{user}|{chance.randrange(1000)}|{chance.randrange(10)}|0"
            return Mutation("score", name, member, chance.choice(SCORES).encode())
        case "string":
            return Mutation("string", chance.choice(_STRINGS), "", value)
        case _:
            kind = chance.choice((b"string", b"list"))
            return Mutation("type", chance.choice(list(_keys(task_type, user))), "", kind, destroys=True)


def _fields(task_type: str, user: str) -> Iterator[tuple[str, str]]:
    yield from (("config", field) for field in ("rate", "version", "epoch"))
    yield from (("limiter", field) for field in LIMITER)
    yield from (("metrics", field) for field in METRICS)
    job = f"{task_type}|{user}|~1|1|0"
    yield from [
        ("types", task_type),
        ("limits", "shop"),
        ("limits:shop", user),
        ("changed_limits", "shop"),
        ("changed_limits", f"{task_type}|parked:shop"),
        ("changed_limits", f"{task_type}|ready:shop:normal"),
        ("overrides", task_type),
        ("overrides", ":limit"),
        ("overrides", ":limit:app"),
        ("users", user),
        ("variants", "Asia/Tokyo"),
        (f"subscriptions:{user}", task_type),
        (f"runs:{user}", task_type),
        ("exclusive", f"{task_type}|{user}"),
        ("attempts", job),
        ("payload", job),
        ("dead:body", job),
        ("service_times", task_type),
        ("deaths", task_type),
        (f"suspended:{task_type}", user),
        ("workers", "w9"),
        ("handlers", "f9"),
        ("writes", "9"),
        ("writes", "last"),
    ]


def _queues(task_type: str, user: str) -> Iterator[str]:
    yield from (f"ready:global:{lane}" for lane in Lane)
    yield from (
        f"parked:global|type:{task_type}",
        f"parked:global|shop|{user}",
        "limits_free_at",
        "lanes_busy",
        "lanes_due",
        "beats",
        "limits_closed_until",
        "tats",
        "tats:shop",
        "paused_users",
        "leases",
        "suspects",
        "dead",
    )
    yield from (f"schedule:{task_type}:1", "spread:i60/60:free")


def _keys(task_type: str, user: str) -> Iterator[str]:
    yield from {name for name, _ in _fields(task_type, user)}
    yield from _queues(task_type, user)
    yield from ("claims:w", "cursor", "spread:i60/60", "malformed")
