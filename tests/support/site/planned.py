"""The jobs a schedule must emit, computed by brute force from the published manifests."""

from dataclasses import dataclass, field

from taskqueue.plan.spread import spread_class
from taskqueue.store.connection import Store
from taskqueue.store.type_record import Generation
from taskqueue.store.types import read_catalog
from taskqueue.store.users import read_subscriptions
from tests.support.store.raw import raw

Job = tuple[str, str, int]  # type, user, occurrence in epoch seconds


@dataclass
class Planned:
    """Every generation that was ever seen, with its members' offsets; `look` often enough to see all."""

    generations: dict[tuple[str, int], Generation] = field(default_factory=dict)
    offsets: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)

    async def look(self, store: Store) -> None:
        for name, record in (await read_catalog(store)).records.items():
            # One that is gone and was never given an end was to take over and was replaced before it began. Had it
            # begun after all, its jobs would be found not to be planned.
            kept = {generation.number for generation in record.active}
            for key in [key for key in self.generations if key[0] == name and key[1] not in kept]:
                if self.generations[key].until_s is None:
                    del self.generations[key], self.offsets[key]
            for generation in record.active:
                rows = await raw(store).zrange(
                    store.keys.schedule(name, generation.number), 0, -1, withscores=True
                )
                if rows:
                    self.generations[name, generation.number] = generation
                    self.offsets[name, generation.number] = {
                        user.decode(): int(score) for user, score in rows
                    }

    async def follows_from_the_numbers(self, store: Store) -> None:
        """Assert that every offset equals the plan's for the number in the subscription's record."""
        users = {user for offsets in self.offsets.values() for user in offsets}
        for user in users:
            for task in await read_subscriptions(store, user):
                key = task.type, task.generation
                if key in self.offsets:
                    family = spread_class(self.generations[key].schedule)
                    assert self.offsets[key][user] == family.offset_ms(task.number), (user, task)

    def longest_s(self, task_type: str) -> int:
        """The longest period a type ever had: no two neighbouring occurrences may be further apart."""
        return max(
            g.schedule.interval_s or 0 for (name, _), g in self.generations.items() if name == task_type
        )

    def between(self, after_ms: int, until_ms: int) -> dict[Job, int]:
        """Every (type, user, occurrence) with after < due <= until, and its due (epoch ms)."""
        jobs: dict[Job, int] = {}
        for key, generation in self.generations.items():
            interval_s = generation.schedule.interval_s
            assert interval_s is not None
            first = after_ms // 1000 // interval_s * interval_s - interval_s
            for occurrence in range(first, until_ms // 1000 + 1, interval_s):
                if occurrence < generation.from_s or (generation.until_s or 1e18) <= occurrence:
                    continue
                for user, offset in self.offsets[key].items():
                    due_ms = occurrence * 1000 + offset
                    if after_ms < due_ms <= until_ms:
                        job = (key[0], user, occurrence)
                        assert job not in jobs, f"planned twice: {job}"
                        jobs[job] = due_ms
        return jobs
