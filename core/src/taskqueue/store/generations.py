"""Generations: the subscriptions that each schedule of a type deals places to, and their moves between generations.

A generation is a sorted set of users, encoded (`user_key`); their scores are places (scalars.Place).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from taskqueue.models.values import Schedule
from taskqueue.plan.type_demand import demand_name
from taskqueue.plan.variants import is_offered
from taskqueue.store.command import hget, zcard, zcount, zrange_scores, zscan
from taskqueue.store.connection import Store
from taskqueue.store.malformed import UNREADABLE
from taskqueue.store.scalars import PLACES, Place, read_place
from taskqueue.store.script import Script
from taskqueue.store.subscriptions import StoredSubscription, read_subscription
from taskqueue.store.type_record import Generation
from taskqueue.store.user_key import read_user
from taskqueue.store.wire import pack

_REDEAL = Script("redeal", int)


async def redeal(store: Store, task_type: str, source_generation: int, target: int, batch: int = 200) -> int:
    """Move all members of one generation into another, a batch a script call; may be repeated after a cut."""
    moved = 0
    key = store.keys.schedule(task_type, source_generation)
    async for rows in store.scan(zscan(key, batch)):
        members = [member.decode() for member, _ in rows if member.isascii()]  # every member is ASCII
        moved += await redeal_members(store, task_type, target, members)
    return moved


async def redeal_members(store: Store, task_type: str, target: int, members: Sequence[str]) -> int:
    """Move these members into a generation; return how many moved."""
    return await store.run(_REDEAL, task_type, target, pack(list(members)))


async def count_subscriptions(
    store: Store, generations: Mapping[str, Generation], variants: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """Count running subscriptions by type and variant, of the generation given for each type.

    variants: numbers of those in use, by name. In the answer the type's own schedule has an empty name, and variants
    without subscriptions are left out.
    """
    asked = [
        (name, variant, number)
        for name, one in generations.items()
        for variant, number in _variants_of(one.schedule, variants)
    ]
    counts = await store.read_all(
        [
            zcount(
                store.keys.schedule(name, generations[name].number),
                number * PLACES,
                (number + 1) * PLACES - 1,
            )
            for name, _, number in asked
        ]
    )
    found: dict[str, dict[str, int]] = {name: {} for name in generations}
    for (name, variant, _), count in zip(asked, counts, strict=True):
        if count:
            found[name][variant] = count
    return found


async def read_types_of_users(
    store: Store, generations: Mapping[str, Generation], variants: Mapping[str, int]
) -> dict[str, list[str]]:
    """Read the running subscriptions of each user by the names of their demands (`TypeDemand.name`).

    generations: of each type.   variants: numbers of those in use, by name.
    """
    types: dict[str, list[str]] = {}
    for name, one in sorted(generations.items()):
        chosen: dict[float, str] = {
            number: demand_name(name, int(variant))
            for variant, number in _variants_of(one.schedule, variants)
            if variant.isdigit()
        }
        async for rows in store.scan(zscan(store.keys.schedule(name, one.number), 1_000)):
            for user, score in _users(rows):
                if score >= 0:
                    types.setdefault(user, []).append(chosen.get(score // PLACES, name))
    return types


def _variants_of(schedule: Schedule, variants: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return name and number of each variant of a schedule, first its own."""
    return [("", 0), *(item for item in variants.items() if is_offered(schedule, item[0]))]


async def find_generations(store: Store, task_type: str, numbers: Sequence[int]) -> list[int]:
    """Return which of these generations of a type have members."""
    sizes = await store.read_all([zcard(store.keys.schedule(task_type, number)) for number in numbers])
    return [number for number, size in zip(numbers, sizes, strict=True) if size]


async def read_sample(
    store: Store, task_type: str, number: int, most: int
) -> list[tuple[StoredSubscription, Place]]:
    """Read at most `most` subscriptions of a generation, each with its place; skip what cannot be read."""
    rows = await store.read(zrange_scores(store.keys.schedule(task_type, number), 0, most - 1))
    scores = dict(_users(rows))
    values = await store.read_all([hget(store.keys.subscriptions(user), task_type) for user in scores])
    sample = []
    for value, score in zip(values, scores.values(), strict=True):
        try:
            sample.append((read_subscription(task_type.encode(), value or b""), read_place(score)))
        except UNREADABLE:
            continue
    return sample


def _users(rows: Iterable[tuple[bytes, float]]) -> Iterator[tuple[str, float]]:
    """Yield the users of members with their scores; skip what cannot be read."""
    for member, score in rows:
        try:
            yield read_user(member.decode("ascii")), score
        except ValueError:
            continue
