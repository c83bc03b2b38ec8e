"""The jobs a schedule must emit, computed by brute force from the published manifests."""

from dataclasses import dataclass, field

from taskqueue.models.values import Schedule
from taskqueue.plan.spread import spread_classes
from taskqueue.store.connection import Store
from taskqueue.store.scalars import Place, read_place
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.type_record import Generation
from taskqueue.store.types import read_catalog
from tests.support.store.raw import raw

Job = tuple[str, str, int]  # type, user, occurrence in epoch seconds
#: The period of `* * * * *`, in every zone.
MINUTE_S = 60


@dataclass
class Planned:
    """Every generation that was ever seen, with its members' places; `look` often enough to see all.

    moved: users whose place changed while their generation stayed: they chose another zone or interval.
    """

    generations: dict[tuple[str, int], Generation] = field(default_factory=dict)
    places: dict[tuple[str, int], dict[str, Place]] = field(default_factory=dict)
    variants: dict[int, str] = field(default_factory=dict)
    moved: set[tuple[str, str]] = field(default_factory=set)

    async def look(self, store: Store) -> None:
        catalog = await read_catalog(store)
        self.variants = {number: name for name, number in catalog.variants.items()}
        for name, record in catalog.records.items():
            # One that is gone and was never given an end was to take over and was replaced before it began. Had it
            # begun after all, its jobs would be found not to be planned.
            kept = {generation.number for generation in record.active}
            for key in [key for key in self.generations if key[0] == name and key[1] not in kept]:
                if self.generations[key].until_s is None:
                    del self.generations[key], self.places[key]
            for generation in record.active:
                rows = await raw(store).zrange(
                    store.keys.schedule(name, generation.number), 0, -1, withscores=True
                )
                if rows:
                    self.generations[name, generation.number] = generation
                    found = {user.decode(): read_place(score) for user, score in rows}
                    before = self.places.get((name, generation.number), {})
                    self.moved |= {
                        (name, user) for user, place in found.items() if before.get(user, place) != place
                    }
                    self.places[name, generation.number] = found

    async def follows_from_the_numbers(self, store: Store) -> None:
        """Assert that every offset equals the plan's for the number in the subscription's record."""
        users = {user for places in self.places.values() for user in places}
        for user in users:
            for task in await read_subscriptions(store, user):
                key = task.type, task.generation
                if key in self.places:
                    own, *chosen = spread_classes(self.generations[key].schedule)
                    place = self.places[key][user]
                    variant = self.variants.get(place.variant)
                    family = next((one for one in chosen if str(one.interval_s) == variant), own)
                    assert place.offset_ms == family.offset_ms(task.number), (user, task)

    def longest_s(self, task_type: str) -> int:
        """The longest period a type ever had: no two neighbouring occurrences may be further apart."""
        return max(
            g.schedule.interval_s or 0 for (name, _), g in self.generations.items() if name == task_type
        )

    def period_s(self, schedule: Schedule, place: Place) -> int:
        """The interval of a subscription; a minute for the one cron line of these tests."""
        chosen = self.variants.get(place.variant, "")
        return int(chosen) if chosen.isdigit() else schedule.interval_s or MINUTE_S

    def between(self, after_ms: int, until_ms: int) -> dict[Job, int]:
        """Every (type, user, occurrence) with after < due <= until, and its due (epoch ms)."""
        jobs: dict[Job, int] = {}
        for key, generation in self.generations.items():
            for user, place in self.places[key].items():
                period_s = self.period_s(generation.schedule, place)
                first = after_ms // 1000 // period_s * period_s - period_s
                for occurrence in range(first, until_ms // 1000 + 1, period_s):
                    if occurrence < generation.from_s or (generation.until_s or 1e18) <= occurrence:
                        continue
                    due_ms = occurrence * 1000 + place.offset_ms
                    if after_ms < due_ms <= until_ms:
                        job = (key[0], user, occurrence)
                        assert job not in jobs, f"planned twice: {job}"
                        jobs[job] = due_ms
        return jobs
