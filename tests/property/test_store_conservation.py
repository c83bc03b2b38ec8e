"""Workers, operators and faults in any order: no job is lost, doubled or started too early.

TASKQUEUE_FUZZ=1000 runs that many longer histories instead of a few short ones.
"""

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from taskqueue.models.outcome import Outcome
from taskqueue.models.values import (
    ConcurrencyPolicy,
    Limit,
    LimitKey,
    Priority,
    RateLimit,
    Schedule,
    Subscription,
    TaskType,
    UserSubscription,
)
from taskqueue.plan.segment import DueRange
from taskqueue.store.audit import audit
from taskqueue.store.cancel import _CANCEL, Fate, cancel_due, cancel_named
from taskqueue.store.claim import CODES, Alone, Claim, Result, claim
from taskqueue.store.connection import Store, open_store
from taskqueue.store.cursor import read_cursor
from taskqueue.store.dead import purge_dead, read_dead, retry_dead
from taskqueue.store.enqueue import enqueue
from taskqueue.store.heartbeat import heartbeat
from taskqueue.store.job_name import parse
from taskqueue.store.limits import override_rate, set_rate
from taskqueue.store.pause import pause, resume
from taskqueue.store.permit import permit
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.suspended import follow_suspended, try_suspended
from taskqueue.store.tick import tick
from taskqueue.store.type_record import Generation, TypeRecord
from taskqueue.store.types import put_limits, put_types, read_catalog
from taskqueue.store.user_pauses import pause_user, resume_user
from taskqueue.store.users import set_users
from taskqueue.store.wire import pack
from tests.support.store.raw import raw
from tests.support.store.script_clock import ScriptClock

T = TypeVar("T")

HOUR = Schedule(interval_s=3600)
LONG_MS = 60_000
RATE = 2_000
SPACING_US = 1_015_000 // RATE
KINDS = (
    TaskType("plain", HOUR, suspend_after=2, retry_suspended_after_ms=5_000),
    TaskType(
        "forbid", HOUR, concurrency_policy=ConcurrencyPolicy.FORBID, priority=Priority.HIGH, suspend_after=2
    ),
    TaskType("replace", HOUR, concurrency_policy=ConcurrencyPolicy.REPLACE),
    TaskType("slow", HOUR, rate_limit=RateLimit(per_second=200), limits=("shop",), cost=2),
    TaskType("shy", HOUR, limits=("shy",), priority=Priority.LOW),
)
LIMITS = (Limit("shop", LimitKey.USER, 100), Limit("shy", LimitKey.USER, 0.5))
NAMES = tuple(kind.name for kind in KINDS)
USERS = ("a", "b")
#: Every key of a pattern, its TTL in ms, and its members if it is a sorted set.
_KEYS = """\
local found = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  local is_zset = redis.call('TYPE', key).ok == 'zset'
  found[#found + 1] = { key, redis.call('PTTL', key), is_zset and redis.call('ZRANGE', key, 0, -1) or false }
end
return found
"""
_releases = itertools.count()

kinds = st.sampled_from(NAMES)
users = st.sampled_from(USERS)
seldom = st.sampled_from((False, False, False, True))
workers = st.sampled_from(("w1", "w2", "w3"))


class Histories(RuleBasedStateMachine):
    """Each rule is one possible access to the store; the invariants hold after every one."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store: Store = open_store(self.url, f"fuzz-{os.getpid()}-{next(_releases)}")
        self.clock = ScriptClock(self.store)
        self.seqs: dict[str, int] = {}
        self.last: dict[str, tuple[int, list[Result]]] = {}
        self.held: dict[str, str] = {}
        self.stale: list[str] = []
        self.starts: list[int] = []
        self.ids = itertools.count()
        self.occurrences = itertools.count(1_000)

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(call)

    def teardown(self) -> None:
        async def remove() -> None:
            keys = [key async for key in raw(self.store).scan_iter(match=self.store.keys("*"), count=1_000)]
            await raw(self.store).unlink(*keys)
            await self.clock.remove()
            await self.store.close()

        self.do(remove())
        self.loop.close()

    @initialize()
    def begin(self) -> None:
        self.do(self.clock.set(self.clock.now_us))
        records = [TypeRecord(kind, (Generation(1, kind.schedule),)) for kind in KINDS]
        self.do(put_types(self.store, self.do(put_limits(self.store, 0, LIMITS)), records))
        self.do(set_rate(self.store, RATE))

        async def warm() -> None:
            run, now_us = (await raw(self.store).info("server"))["run_id"], self.clock.now_us
            state = {
                "start_us": now_us,
                "cost": 0,
                "server_run": run,
                "first_seen_us": 0,
                "last_call_us": now_us,
                "reap_from_us": 0,
            }
            await raw(self.store).hset(self.store.keys("limiter"), mapping=state)

        self.do(warm())
        for user in USERS:
            self.wants(user, set(NAMES), suspend=False)

    @rule(user=users, types=st.sets(kinds, min_size=3), suspend=seldom)
    def wants(self, user: str, types: set[str], *, suspend: bool) -> None:
        tasks = tuple(Subscription(name) for name in sorted(types))
        self.do(set_users(self.store, "folder", [UserSubscription(user, tasks, suspend)]))

    @rule(
        kind=kinds,
        overdue=st.booleans(),
        life_ms=st.sampled_from([0, 0, 1, 10**15]),
        missed=st.sampled_from([0, 0, 2]),
    )
    def occurs(self, kind: str, overdue: bool, life_ms: int, missed: int) -> None:
        cursor, version = self.do(read_cursor(self.store)), self.do(read_catalog(self.store)).version
        row = DueRange(
            kind,
            1,
            0,
            1 << 40,
            next(self.occurrences),
            life_ms,
            Priority.NORMAL,
            overdue=overdue,
            missed=missed,
        )
        for _ in range(2):  # the second caller is late
            self.do(tick(self.store, cursor, cursor + 1, version, [row]))

    @rule(
        kind=kinds,
        user=users,
        delay_ms=st.sampled_from([0, 0, 1, LONG_MS]),
        life_ms=st.sampled_from([0, 0, 1]),
    )
    def enqueued(self, kind: str, user: str, delay_ms: int, life_ms: int) -> None:
        made = f"id{next(self.ids)}"
        for _ in range(2):  # the first answer was lost
            self.do(
                enqueue(self.store, kind, user, {"n": 1}, job_id=made, delay_ms=delay_ms, life_ms=life_ms)
            )

    @rule(us=st.sampled_from([1, 400, 1_000, 20_000, 300_000, 5_000_000, LONG_MS * 1_000]))
    def time_passes(self, us: int) -> None:
        self.do(self.clock.advance(us=us))

    @rule(us=st.sampled_from([200_000, 5_000_000, 3_600_000_000]))
    def clock_is_set_back(self, us: int) -> None:
        self.do(permit(self.store, 1, LONG_MS))  # the limiter knows the time before
        self.do(self.clock.advance(us=-us))
        self.do(permit(self.store, 1, LONG_MS))
        self.starts = []

    def _results(self, chosen: list[tuple[int, Outcome]]) -> list[Result]:
        """Outcomes of jobs that are held, were held, or never were."""
        members = [*self.held, *self.stale, "plain|a|1|2|0|nobody|1"]
        limits = ("", "app", "global")
        return [
            Result(
                members[k % len(members)],
                outcome,
                k % 3,
                limits[k % 3] if outcome is Outcome.LIMITED else "why",
                100 * k,
            )
            for k, outcome in chosen
        ]

    @rule(
        worker=workers,
        n=st.integers(0, 8),
        lease_ms=st.sampled_from([1, LONG_MS, LONG_MS]),
        chosen=st.lists(st.tuples(st.integers(0, 50), st.sampled_from([Outcome.DONE, *CODES])), max_size=8),
        alone=st.sampled_from(Alone),
    )
    def claims(
        self, worker: str, n: int, lease_ms: int, chosen: list[tuple[int, Outcome]], alone: Alone
    ) -> None:
        results = self._results(chosen)
        self.seqs[worker] = seq = self.seqs.get(worker, 0) + 1
        got = self.do(claim(self.store, worker, seq, n, lease_ms, results, alone=alone))
        assert len(got.jobs) <= (1 if got.alone is Alone.NOW else n)
        self.last[worker] = (n, results)
        for start_us in (job.start_us for job in got.jobs):
            assert start_us <= got.now_us + 250_000
            assert not self.starts or start_us - self.starts[-1] >= SPACING_US - 1
            self.starts.append(start_us)
        self._note(got, worker)

    @rule(worker=workers)
    def answer_was_lost(self, worker: str) -> None:
        if worker not in self.last:
            return
        n, results = self.last[worker]
        if not self.do(raw(self.store).exists(self.store.keys("claims", worker))):
            return  # its leases ended with the memory of it; a worker that late begins anew
        before = self.do(audit(self.store))
        got = self.do(claim(self.store, worker, self.seqs[worker], n, LONG_MS, results))
        assert {job.lease for job in got.jobs} <= set(self.held)
        after = self.do(audit(self.store))
        assert after.totals == before.totals

    @rule(worker=workers, n=st.integers(1, 8))
    def an_old_call_arrives_late(self, worker: str, n: int) -> None:
        if self.seqs.get(worker, 0) > 1 and self.do(
            raw(self.store).exists(self.store.keys("claims", worker))
        ):
            assert self.do(claim(self.store, worker, self.seqs[worker] - 1, n, LONG_MS, [])).jobs == []

    def _note(self, got: Claim, worker: str) -> None:
        leased = self.do(self._leased())
        self._lose(leased)
        self.held.update({job.lease: worker for job in got.jobs})
        assert set(self.held) == leased

    @rule(worker=workers)
    def beats(self, worker: str) -> None:
        mine = [m for m, w in self.held.items() if w == worker]
        lost = self.do(heartbeat(self.store, worker, LONG_MS, b"{}", [*mine, *self.stale], ["f"]))
        assert lost == self.stale

    @rule(cost=st.integers(1, 3))
    def asks_for_permits(self, cost: int) -> None:
        granted, wait_s, _ = self.do(permit(self.store, cost, LONG_MS))
        assert wait_s >= 0
        if granted:
            start = int(self.do(raw(self.store).hget(self.store.keys("limiter"), "start_us")))
            self.starts.append(start + (cost - 1) * SPACING_US)

    @rule()
    def leases_run_out(self) -> None:
        """Every worker vanished, long ago."""

        async def expire() -> None:
            for member in await raw(self.store).zrange(self.store.keys("leases"), 0, -1):
                await raw(self.store).zadd(self.store.keys("leases"), {member: self.clock.now_ms})
            await raw(self.store).hset(self.store.keys("limiter"), "reap_from_us", 0)

        self.do(expire())

    @rule(retry=st.booleans())
    def dead_letters_are_handled(self, retry: bool) -> None:
        names = [letter.job for letter in self.do(read_dead(self.store))]
        verb = retry_dead if retry else purge_dead
        assert self.do(verb(self.store, names)) == len(names)
        assert self.do(verb(self.store, names)) == 0

    @rule(kind=st.none() | kinds, user=users, running=st.booleans())
    def cancels(self, kind: str | None, user: str, *, running: bool) -> None:
        """Nothing moves meanwhile: afterwards no selected job is due, but for those that run."""

        async def cancel() -> int:
            steps = cancel_due(self.store, task_type=kind, user=user, running=running)
            return sum([number async for number in steps])

        def is_selected(name: str) -> bool:
            job = parse(name)
            return kind in {None, job.type} and job.user == user and job.due_ms <= self.clock.now_ms

        before = self.do(self._waiting()), set(self.held)
        cancelled = self.do(cancel())
        waiting, leased = self.do(self._waiting()), self.do(self._leased())
        self._lose(leased)
        assert not [name for name in waiting if is_selected(name)]
        gone = before[0] - waiting | {member.rsplit("|", 2)[0] for member in before[1] - leased}
        assert len(gone) == cancelled
        assert all(is_selected(name) for name in gone)
        assert running or leased == before[1]
        assert self.do(cancel()) == 0

    @rule(chosen=st.lists(st.integers(0, 50), max_size=3), running=st.booleans())
    def cancels_by_name(self, chosen: list[int], *, running: bool) -> None:
        waiting = self.do(self._waiting())
        jobs = sorted(waiting | {member.rsplit("|", 2)[0] for member in [*self.held, *self.stale]})
        names = [jobs[k % len(jobs)] for k in chosen if jobs]
        fates = self.do(cancel_named(self.store, names, running=running))
        self._lose(self.do(self._leased()))
        assert not self.do(self._waiting()) & set(names)
        assert all(fates[name] is Fate.CANCELLED for name in names if name in waiting)

    @rule(chosen=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8))
    def cancels_what_has_moved(self, chosen: list[tuple[int, int]]) -> None:
        """The script is given jobs in places where they are or are not, some twice."""
        keys = self.do(self._keys())
        holding = {
            key for key in keys if key in {"leases", "suspects"} or key.startswith(("ready:", "parked:"))
        }
        members = [
            *sorted({member for place in holding for member in keys[place]}),
            *self.stale,
            "plain|a|1|2|0",
        ]
        places = sorted(holding | {"suspects", "parked:global|shop|a"})
        jobs: dict[str, list[str]] = {}
        for place, member in chosen:
            jobs.setdefault(places[place % len(places)], []).append(members[member % len(members)])
        found = self.do(self.store.run(_CANCEL, pack(jobs)))
        there = [member for place in jobs for member in set(jobs[place]) if member in keys.get(place, [])]
        assert sorted(member.decode() for member in found) == sorted(there)
        self._lose(self.do(self._leased()))

    async def _waiting(self) -> set[str]:
        """Return the names of jobs that wait."""
        keys = await self._keys()
        return {
            name
            for key, members in keys.items()
            if key == "suspects" or key.startswith(("ready:", "parked:"))
            for name in members
        }

    async def _leased(self) -> set[str]:
        return {m.decode() for m in await raw(self.store).zrange(self.store.keys("leases"), 0, -1)}

    def _lose(self, leased: set[str]) -> None:
        """Forget held leases that are gone."""
        self.stale = [*self.stale, *(member for member in self.held if member not in leased)][-20:]
        self.held = {member: worker for member, worker in self.held.items() if member in leased}

    @rule(kind=kinds, paused=seldom)
    def pauses(self, kind: str, paused: bool) -> None:
        self.do(pause(self.store, kind) if paused else resume(self.store, kind))

    @rule(user=users, paused=seldom)
    def pauses_user(self, user: str, paused: bool) -> None:
        self.do(pause_user(self.store, user) if paused else resume_user(self.store, user))

    @rule()
    def suspensions_are_followed(self) -> None:
        self.do(follow_suspended(self.store))

    @rule(kind=kinds, user=users)
    def tries_a_suspended_user(self, kind: str, user: str) -> None:
        self.do(try_suspended(self.store, kind, user))

    @rule()
    def limit_is_raised_for_no_time(self) -> None:
        self.do(override_rate(self.store, 1e6, for_ms=-1))

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        found = self.do(audit(self.store))
        assert found.difference == 0, found
        places: dict[str, list[str]] = {}
        parked = set()
        keys = self.do(self._keys())
        for key, members in keys.items():
            if key.startswith("parked:"):
                parked.add(key.removeprefix("parked:"))
            if key == "leases":
                members = [member.rsplit("|", 2)[0] for member in members]  # noqa: PLW2901
            if key in {"leases", "suspects"} or key.startswith(("ready:", "parked:")):
                for name in members:
                    places.setdefault(name, []).append(key)
        doubled = {name: where for name, where in places.items() if len(where) > 1}
        assert doubled == {}
        assert parked <= set(keys.get("limits_free_at", [])), "a limit that no call will ever look at"
        counted = self.do(raw(self.store).hgetall(self.store.keys("parked_jobs")))
        in_keys = Counter(limit.partition("|")[0] for limit in parked for _ in keys[f"parked:{limit}"])
        assert {queue.decode(): int(jobs) for queue, jobs in counted.items()} == in_keys
        ready = {key.removeprefix("ready:") for key in keys if key.startswith("ready:")}
        busy, due = set(keys.get("lanes_busy", [])), set(keys.get("lanes_due", []))
        assert ready <= busy | due, "a lane that no call will ever look at"

    @invariant()
    def no_subscription_runs_twice_where_it_must_not(self) -> None:
        leased = self.do(raw(self.store).zrange(self.store.keys("leases"), 0, -1))
        pairs = [tuple(m.decode().split("|")[:2]) for m in leased if m.endswith(b"x")]
        assert len(pairs) == len(set(pairs))

    @invariant()
    def a_suspended_subscription_has_a_next_step(self) -> None:
        async def without() -> list[str]:
            marked = {f"{kind}|{user}" for user in USERS for kind in await self._suspended(user)}
            agenda = {m.decode() for m in await raw(self.store).zrange(self.store.keys("suspended"), 0, -1)}
            return sorted(marked - agenda)

        assert self.do(without()) == []

    async def _suspended(self, user: str) -> list[str]:
        return [one.type for one in await read_subscriptions(self.store, user) if one.by_breaker]

    @invariant()
    def records_belong_to_jobs_that_exist(self) -> None:
        keys = self.do(self._keys())
        jobs = {m.rsplit("|", 2)[0] for m in keys.get("leases", [])}
        for key, members in keys.items():
            if key == "suspects" or key.startswith(("ready:", "parked:")):
                jobs.update(members)
        for record in ("attempts", "payload"):
            fields = {f.decode() for f in self.do(raw(self.store).hkeys(self.store.keys(record)))}
            assert fields <= jobs, record

    async def _keys(self) -> dict[str, list[str]]:
        """Return the members of each sorted set."""
        rows = await raw(self.store).eval(_KEYS, 0, self.store.keys("*"))
        prefix = self.store.keys.prefix
        return {
            key.decode().removeprefix(prefix): [member.decode() for member in members]
            for key, _, members in rows
            if members is not None
        }

    @invariant()
    def every_key_is_known(self) -> None:
        async def unknown() -> list[str]:
            rows = await raw(self.store).eval(_KEYS, 0, self.store.keys("*"))
            without_ttl = [key.decode() for key, ttl_ms, _ in rows if ttl_ms == -1]
            return [name for name in without_ttl if not self.store.keys.is_permanent(name)]

        assert self.do(unknown()) == []


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_no_history_loses_or_doubles_a_job(redis_url: str, scripts_with_a_clock: None) -> None:
    Histories.url = redis_url
    fuzz = int(os.environ.get("TASKQUEUE_FUZZ") or "0")
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=fuzz or 60,
            stateful_step_count=80 if fuzz else 40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
