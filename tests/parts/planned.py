"""What should have been emitted, reckoned the slow way from what the store was told."""

from dataclasses import dataclass, field

from taskqueue.store.catalog import Generation, read_catalog
from taskqueue.store.connection import Store

Job = tuple[str, str, int]  # type, user, occurrence in epoch seconds


@dataclass
class Planned:
    """Every generation that was ever seen, with its members' offsets; `look` often enough to see all."""

    generations: dict[tuple[str, int], Generation] = field(default_factory=dict)
    offsets: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)

    async def look(self, store: Store) -> None:
        for name, record in (await read_catalog(store)).records.items():
            for generation in record.active:
                rows = await store.client.zrange(
                    store.keys.schedule(name, generation.number), 0, -1, withscores=True
                )
                if rows:
                    self.generations[name, generation.number] = generation
                    self.offsets[name, generation.number] = {
                        user.decode(): int(score) for user, score in rows
                    }

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
                for user, offset_ms in self.offsets[key].items():
                    due_ms = occurrence * 1000 + offset_ms
                    if after_ms < due_ms <= until_ms:
                        job = (key[0], user, occurrence)
                        assert job not in jobs, f"planned twice: {job}"
                        jobs[job] = due_ms
        return jobs
