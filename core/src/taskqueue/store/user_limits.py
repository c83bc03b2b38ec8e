"""Values of users at limits by name, in place of the limit's own."""

from collections.abc import Iterable, Mapping
from functools import partial

from taskqueue.models.values import UserLimit
from taskqueue.store.command import hgetall
from taskqueue.store.connection import Store
from taskqueue.store.limit_record import read_user_limit
from taskqueue.store.malformed import location_of
from taskqueue.store.user_key import read_user


async def read_user_limits(store: Store, limits: Iterable[str]) -> Mapping[str, tuple[UserLimit, ...]]:
    """Read the users' own values at the limits of these names, by user."""
    found: dict[str, tuple[UserLimit, ...]] = {}
    for name in sorted(limits):
        for user, value in (await store.read(hgetall(store.keys("limits", name)))).items():
            location = location_of(f"limits:{name}", user)
            own = store.malformed.read(location, partial(_read, name, user, value))
            if own:
                found[own[0]] = (*found.get(own[0], ()), own[1])
    return found


def _read(name: str, user: bytes, value: bytes) -> tuple[str, UserLimit]:
    return read_user(user.decode("ascii")), read_user_limit(name, value)
