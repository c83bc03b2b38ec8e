"""Another list of intervals moves the subscriptions whose choice it adds or removes, and no other."""

from dataclasses import replace

from taskqueue.models.values import Schedule, Subscription, TaskType, UserSubscription
from taskqueue.scheduler.publisher import Publisher
from taskqueue.store.connection import Store
from taskqueue.store.lookup import read_user_places
from taskqueue.store.scalars import Place
from taskqueue.store.subscriptions import read_subscriptions
from taskqueue.store.types import read_catalog

HOURLY = TaskType("sync", Schedule(interval_s=3600, intervals_s=(60,)), function="f")
CHOICES = {"own": None, "named": 3600, "minute": 60, "five": 300}
USERS = {
    f"{name}-{number}": UserSubscription(f"{name}-{number}", (Subscription("sync", interval_s=interval_s),))
    for name, interval_s in CHOICES.items()
    for number in range(5)
}


async def publish(store: Store, *intervals_s: int) -> None:
    schedule = replace(HOURLY.schedule, intervals_s=intervals_s)
    await Publisher(store).publish({"sync": replace(HOURLY, schedule=schedule)}, USERS)


async def dealt(store: Store) -> dict[str, tuple[int, Place]]:
    """Return number and place of each user in the newest generation."""
    newest = (await read_catalog(store)).records["sync"].newest
    assert newest
    found = {}
    for user in USERS:
        (subscription,) = await read_subscriptions(store, user)
        assert subscription.generation == newest.number
        (place,) = (await read_user_places(store, user, [("sync", newest.number)])).values()
        found[user] = subscription.number, place
    return found


def moved(before: dict[str, tuple[int, Place]], after: dict[str, tuple[int, Place]]) -> set[str]:
    return {user.partition("-")[0] for user in before if before[user] != after[user]}


async def variants_of(store: Store, found: dict[str, tuple[int, Place]]) -> dict[str, set[str]]:
    """Return the variants in which the users run, by their choice."""
    names = {number: name for name, number in (await read_catalog(store)).variants.items()}
    shown: dict[str, set[str]] = {}
    for user, (_, place) in found.items():
        shown.setdefault(user.partition("-")[0], set()).add(names.get(place.variant, "own"))
    return shown


async def test_only_those_who_chose_the_interval_are_moved(store: Store) -> None:
    await publish(store, 60)
    first = await dealt(store)
    assert await variants_of(store, first) == {
        "own": {"own"},
        "named": {"own"},
        "minute": {"60"},
        "five": {"own"},
    }
    await publish(store, 60, 300)
    added = await dealt(store)
    assert moved(first, added) == {"five"}
    assert await variants_of(store, added) == await variants_of(store, first) | {"five": {"300"}}
    assert sorted(number for user, (number, _) in added.items() if user.startswith("five")) == [*range(5)]
    await publish(store, 300)
    removed = await dealt(store)
    assert moved(added, removed) == {"minute"}
    assert (await variants_of(store, removed))["minute"] == {"own"}
    numbers = [number for user, (number, _) in removed.items() if not user.startswith("five")]
    assert sorted(numbers) == [*range(15)], "the numbers that the five gave back"
    await publish(store, 300)
    assert await dealt(store) == removed
