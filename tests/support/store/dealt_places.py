"""Places of subscriptions against their records: each has one in the newest generation, and a number of its own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskqueue.plan.spread import spread_classes
from taskqueue.plan.variants import variant_name
from taskqueue.store.scalars import Place, read_place
from taskqueue.store.subscriptions import StoredSubscription, read_subscriptions
from taskqueue.store.types import Catalog, read_catalog
from tests.support.store.raw import raw

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from taskqueue.models.values import UserSubscription
    from taskqueue.store.connection import Store

#: A type and a user.
Pair = tuple[str, str]


def is_idle(one: StoredSubscription) -> bool:
    """Tell whether nothing is emitted for a subscription."""
    return one.suspended or one.paused or (one.by_breaker and not one.on_trial)


async def read_scores(store: Store) -> dict[tuple[str, int, str], float]:
    """Return all scores of schedules by type, generation and user."""
    found = {}
    async for key in raw(store).scan_iter(match=store.keys("schedule", "*")):
        name, generation = key.decode().rsplit(":", 2)[-2:]
        for user, score in await raw(store).zrange(key, 0, -1, withscores=True):
            found[name, int(generation), user.decode()] = score
    return found


async def read_dealt(store: Store, users: Iterable[str]) -> dict[Pair, tuple[StoredSubscription, Place]]:
    """Return each subscription with its place in the generation of its record."""
    scores = await read_scores(store)
    return {
        (one.type, user): (one, read_place(scores[one.type, one.generation, user]))
        for user in users
        for one in await read_subscriptions(store, user)
    }


@dataclass
class DealtPlaces:
    """What a store should hold.   repaired: had unreadable records, and may have kept the place of a lost number."""

    store: Store
    users: Mapping[str, UserSubscription]
    repaired: Collection[Pair]

    async def check(self, everybody: Iterable[str]) -> None:
        """Compare scores, records and numbers. everybody: users who may have subscriptions."""
        catalog, dealt = await read_catalog(self.store), await read_dealt(self.store, everybody)
        assert sorted(catalog.variants.values()) == [*range(1, len(catalog.variants) + 1)]
        assert dealt.keys() == {(task.type, user) for user, one in self.users.items() for task in one.tasks}
        scores, changing = await read_scores(self.store), await self._changing()
        for name, generation, user in scores:
            assert (name, user) in dealt
            record = catalog.records.get(name)
            assert generation in ([one.number for one in record.generations] if record else [0])
        live: dict[str, list[int]] = defaultdict(list)
        for pair, (one, place) in dealt.items():
            if pair[0] not in catalog.records:
                assert (one.generation, one.number) == (0, 0), pair
                continue
            live[self._class(catalog, pair, one, place, changing=pair in changing)].append(one.number)
            for number in (generation.number for generation in catalog.records[pair[0]].active):
                score = scores.get((pair[0], number, pair[1]))
                assert score is None or (score < 0) == is_idle(one), pair
        for class_name, numbers in live.items():
            await self._check_numbers(class_name, numbers)

    async def _changing(self) -> set[Pair]:
        """Return the subscriptions whose interval changes with its next period."""
        members = await raw(self.store).zrange(self.store.keys("interval_changes"), 0, -1)
        return {(name, user) for name, _, user in (member.decode().partition("|") for member in members)}

    def _class(
        self, catalog: Catalog, pair: Pair, one: StoredSubscription, place: Place, *, changing: bool
    ) -> str:
        """Return the class of a subscription's number, after a check of its place."""
        newest = catalog.records[pair[0]].newest
        assert newest is not None
        assert newest.number == one.generation, pair
        assert place.suspended == is_idle(one), pair
        names = {0: "", **{number: name for name, number in catalog.variants.items()}}
        variant = names[place.variant]
        wanted = variant_name(newest.schedule, self.users[pair[1]].time_zone, one.interval_s)
        assert changing or variant == wanted, pair
        chosen = variant if variant.isdigit() else ""
        (found,) = (each for each in spread_classes(newest.schedule) if str(each.interval_s or "") == chosen)
        assert pair in self.repaired or place.offset_ms == found.offset_ms(one.number), pair
        return found.name

    async def _check_numbers(self, class_name: str, numbers: list[int]) -> None:
        """No number is dealt twice; but for those of unreadable records, each is dealt or free."""
        key = self.store.keys("spread", class_name)
        free = [int(one) for one in await raw(self.store).zrange(f"{key}:free", 0, -1)]
        assert len({*numbers, *free}) == len(numbers) + len(free), class_name
        lost = int(await raw(self.store).get(key) or 0) - len(numbers) - len(free)
        assert 0 <= lost <= (1_000 if self.repaired else 0), class_name
