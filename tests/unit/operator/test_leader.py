"""Leadership and its epoch, through any failure of replicas, API server and store."""

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.scheduler.floors import CursorCopy, Floors
from taskqueue.store.fence import Fence
from taskqueue_operator.lease_record import LeaseRecord
from tests.support.kubernetes.shared_lease import Replica, Shared, StoreEpoch, Trouble
from tests.support.process.virtual_time import virtual_time

TURN_S = 2.1  # a turn of 2 s and its calls
DURATION_S = 10.0


class Group:
    """Replicas of one release."""

    def __init__(self, trouble: Trouble | None = None, duration_s: float = DURATION_S) -> None:
        self.shared = Shared()
        self.store = StoreEpoch()
        self.trouble = trouble or Trouble()
        self.duration_s = duration_s
        self.replicas: list[Replica] = []

    def start(self, count: int = 1) -> Replica:
        """Start replicas and return the last."""
        for _ in range(count):
            name = f"r{len(self.replicas)}"
            self.replicas.append(Replica(name, self.shared, self.store, self.trouble, self.duration_s))
        return self.replicas[-1]

    def leaders(self) -> list[str]:
        return [one.name for one in self.replicas if one.lease.leads]

    async def led_by(self, replica: Replica, within_s: float) -> Fence:
        async with asyncio.timeout(within_s):
            return await replica.lease.wait_to_lead()

    async def stop(self) -> None:
        for replica in self.replicas:
            await replica.stop()


@virtual_time
async def test_the_first_replica_leads_at_once() -> None:
    group = Group()
    first = group.start()
    assert await group.led_by(first, 0.1) == Fence("release", 1)
    second = group.start()
    await asyncio.sleep(100)
    assert group.leaders() == ["r0"]
    assert group.shared.record.holder == "r0"
    assert {one.transitions for one in group.shared.history} == {1}
    assert len({one.renewed for one in group.shared.history}) == len(group.shared.history)
    assert not second.lease.leads
    await group.stop()


@virtual_time
async def test_a_stopping_replica_releases_for_the_next_turn() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    second = group.start()
    await first.stop()
    assert not first.lease.leads
    assert group.shared.record.holder == ""
    assert await group.led_by(second, TURN_S) == Fence("release", 2)
    await group.stop()


@virtual_time
async def test_a_releasing_replica_stops_leading_first() -> None:
    group = Group(Trouble(slow_s=0.4))
    first = group.start()
    await group.led_by(first, 60)
    seen: list[bool] = []
    group.shared.written = lambda _, after: seen.append(after.holder == "" and first.lease.leads)
    await first.stop()
    assert seen
    assert not any(seen)


@virtual_time
async def test_a_failed_release_still_ends_leadership() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    group.trouble.slow_s = 1_000
    started_s = asyncio.get_running_loop().time()
    await first.kill()
    assert asyncio.get_running_loop().time() - started_s <= 2
    assert not first.lease.leads


@virtual_time
async def test_a_waiting_replica_releases_nothing() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    second = group.start()
    await asyncio.sleep(TURN_S)
    await second.stop()
    assert group.shared.record.holder == "r0"
    await group.stop()


@pytest.mark.parametrize("duration_s", [2, 2.9, 10])
@virtual_time
async def test_a_cut_off_leader_stops_before_the_next_leads(duration_s: float) -> None:
    group = Group(duration_s=duration_s)
    first = group.start()
    await group.led_by(first, 0.1)
    second = group.start()
    await asyncio.sleep(duration_s)
    first.api.dead = True
    both: list[str] = []
    group.shared.written = lambda _before, _after: both.extend(group.leaders())
    fence = await group.led_by(second, 2 * duration_s)
    assert both == []
    assert group.shared.record.duration_s >= duration_s  # in the record, in whole seconds
    assert group.leaders() == ["r1"]
    assert fence.epoch == 2
    await group.stop()


@virtual_time
async def test_two_failed_renewals_keep_the_leader() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    group.start()
    first.api.dead = True
    await asyncio.sleep(5)
    assert first.lease.leads
    first.api.dead = False
    await asyncio.sleep(20)
    assert group.leaders() == ["r0"]
    assert first.lease.epoch == 1
    await group.stop()


@virtual_time
async def test_a_lost_answer_costs_one_turn_and_one_epoch() -> None:
    group = Group(Trouble(lose=1))
    first = group.start()
    second = group.start()
    await asyncio.sleep(TURN_S / 2)
    assert group.shared.record.holder == "r0"
    assert group.leaders() == []
    group.trouble.lose = 0
    assert (await group.led_by(first, TURN_S)).epoch == group.shared.record.transitions > 1
    assert not second.lease.leads
    await group.stop()


@virtual_time
async def test_a_leader_without_answers_stops_leading() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    group.start()
    group.trouble.lose = 1
    await asyncio.sleep(DURATION_S)
    assert group.leaders() == []
    assert group.shared.record.holder == "r0"  # renewed, so no other replica can take it
    group.trouble.lose = 0
    assert await group.led_by(first, TURN_S) == Fence("release", 1)
    await group.stop()


@virtual_time
async def test_a_refused_leader_raises_its_epoch_above_the_store() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    group.store.epoch = 7
    await asyncio.sleep(2 * TURN_S)
    assert first.lease.epoch == 8
    assert group.shared.record.transitions == 8
    assert group.store.writers[8] == {"r0"}
    await asyncio.sleep(60)
    assert first.lease.epoch == 8
    await group.stop()


@virtual_time
async def test_a_new_leader_raises_its_epoch_above_the_store() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    second = group.start()
    group.store.epoch = 7
    await first.kill()
    assert (await group.led_by(second, 2 * DURATION_S)).epoch == 8
    await group.stop()


@virtual_time
async def test_epochs_continue_after_the_lease_is_deleted() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    group.store.epoch = 7
    second = group.start()
    await asyncio.sleep(2 * TURN_S)
    assert first.lease.epoch == 8
    await first.kill()
    group.store.epoch = 0
    group.shared.delete()
    assert (await group.led_by(second, TURN_S)).epoch == 9
    await group.stop()


@virtual_time
async def test_a_lease_recreated_by_a_late_write_is_not_led() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    second = group.start()
    await asyncio.sleep(0.1)
    group.shared.record = LeaseRecord("r1", 1, 10, version="late")
    assert (await group.led_by(second, TURN_S)).epoch == 2
    assert group.store.writers == {1: {"r0"}, 2: {"r1"}}
    await group.stop()


@virtual_time
async def test_a_lease_recreated_with_a_lower_epoch_is_raised() -> None:
    group = Group()
    group.store.epoch = 7
    first = group.start()
    await group.led_by(first, 0.1)
    group.shared.record = replace(group.shared.record, transitions=3, version="restored")
    await asyncio.sleep(TURN_S)
    assert first.lease.epoch == 9
    assert group.shared.record.transitions == 9
    await group.stop()


@virtual_time
async def test_no_replica_leads_while_the_last_epoch_is_unknown() -> None:
    group = Group()
    group.store.down, group.store.epoch = True, 7
    first = group.start()
    await asyncio.sleep(3 * DURATION_S)
    assert group.leaders() == []
    group.store.down = False
    assert (await group.led_by(first, TURN_S)).epoch == 8
    await group.stop()


@virtual_time
async def test_a_leader_cut_off_from_the_store_is_replaced() -> None:
    group = Group()
    first = group.start()
    await group.led_by(first, 0.1)
    second = group.start()
    await asyncio.sleep(TURN_S)
    first.cut_off = True
    assert (await group.led_by(second, 15)).epoch == 2
    first.cut_off = False
    await asyncio.sleep(3 * DURATION_S)
    assert group.leaders() == ["r1"]
    await group.stop()


@virtual_time
async def test_a_returned_store_is_led_within_two_turns() -> None:
    group = Group()
    group.start(2)
    await asyncio.sleep(TURN_S)
    group.store.down = True
    await asyncio.sleep(60)
    assert group.leaders() == []
    group.store.down = False
    await asyncio.sleep(2 * TURN_S)
    assert len(group.leaders()) == 1
    await group.stop()


@virtual_time
async def test_a_foreign_lease_counts_for_its_own_duration() -> None:
    group = Group()
    group.shared.write(LeaseRecord("somebody", 4, 30))
    first = group.start()
    await asyncio.sleep(29.9)
    assert group.leaders() == []
    assert (await group.led_by(first, TURN_S)).epoch == 5
    assert group.shared.record.duration_s == 10
    await group.stop()


@virtual_time
async def test_a_new_leader_knows_the_last_cursor_and_floors() -> None:
    group = Group()
    first = group.start()
    first.copy = CursorCopy(5_000, Floors(4_000, {"orders": 1_000}, 7))
    await group.led_by(first, 0.1)
    second = group.start()
    second.copy = CursorCopy(5_100)
    await asyncio.sleep(TURN_S)
    first.copy = CursorCopy(7_000, Floors(6_000, {"orders": 2_000}, 7))
    await asyncio.sleep(TURN_S)
    await first.kill()
    await group.led_by(second, 2 * DURATION_S)
    assert second.lease.last_copy == first.copy
    second.copy = CursorCopy(6_900, Floors(6_800, {}, 8))
    await asyncio.sleep(TURN_S)
    assert group.shared.record.copy == CursorCopy(7_000, second.copy.floors)
    await group.stop()


async def trouble_for(group: Group, chance: random.Random, *, deletions: bool) -> None:
    """Start, stop, kill and cut off replicas at random; assert that at most one leads at any time."""
    for _ in range(60):
        await asyncio.sleep(chance.uniform(0, 6))
        assert deletions or len(group.leaders()) <= 1
        what = chance.choice(
            ("start", "stop", "kill", "cut", "cut", "mend", "mend", "store", "off", "delete")
        )
        one = chance.choice(group.replicas[-3:])
        if what == "start" and len(group.replicas) < 12:
            group.start()
        elif what == "stop":
            await one.stop()
        elif what == "kill":
            await one.kill()
        elif what in {"cut", "mend"}:
            one.api.dead = what == "cut"
        elif what == "off":
            one.cut_off = not one.cut_off
        elif what == "store":
            group.store.down = not group.store.down
        elif deletions and group.store.epoch == group.shared.record.transitions:
            group.shared.delete()


def stormy(chance: random.Random) -> Trouble:
    return Trouble(chance, fail=0.1, lose=0.1, late=0.1, pause=0.1, slow_s=0.5, pause_s=15)


@given(st.integers(0, 1 << 32), st.sampled_from([2.0, 2.9, 10.0]))
@virtual_time
async def test_one_replica_leads_at_a_time_under_its_own_epoch(seed: int, duration_s: float) -> None:
    chance = random.Random(seed)
    group = Group(stormy(chance), duration_s)

    def written(before: LeaseRecord, after: LeaseRecord) -> None:
        assert set(group.leaders()) <= {after.holder}, "it was written while another led"
        assert after.transitions >= before.transitions
        if after.holder and after.holder != before.holder:
            assert after.transitions > before.transitions

    group.shared.written = written
    group.start(3)
    await trouble_for(group, chance, deletions=False)
    assert all(len(names) == 1 for names in group.store.writers.values())
    await calm(group)


@given(st.integers(0, 1 << 32))
@virtual_time
async def test_epochs_grow_and_have_one_writer_after_deletions(seed: int) -> None:
    chance = random.Random(seed)
    group = Group(stormy(chance))
    group.start(3)
    await trouble_for(group, chance, deletions=True)
    assert all(len(names) == 1 for names in group.store.writers.values())
    last = group.store.epoch
    await calm(group)
    assert group.store.epoch >= last


async def calm(group: Group) -> None:
    """Assert that after the faults exactly one replica leads, and that the store accepts its writes."""
    group.trouble.fail = group.trouble.lose = group.trouble.late = group.trouble.pause = 0
    group.trouble.slow_s = group.duration_s / 50
    group.store.down = False
    newest = group.start()
    await asyncio.sleep(4 * DURATION_S)
    (leader,) = group.leaders()
    assert leader in group.store.writers[group.store.epoch]
    assert newest.lease.leads or group.shared.record.holder == leader
    await group.stop()
    assert group.leaders() == []
    assert group.shared.record.holder == ""
