"""The demand of like users: at the limits of key User, each user's types count together."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from taskqueue.models.values import UserLimit


@dataclass(frozen=True, slots=True)
class UserDemand:
    """A number of users with the same types and the same values of their own at User limits.

    user_id: one of them.   types: of running subscriptions, named as demands are (`TypeDemand.name`).
    """

    user_id: str
    types: tuple[str, ...]
    limits: tuple[UserLimit, ...] = ()
    users: int = 1


def put_together(users: Iterable[UserDemand]) -> list[UserDemand]:
    """Return the demands, like users as one, in the order of their first users.

    >>> [(one.user_id, one.users) for one in put_together([UserDemand(user, ("sync",)) for user in ("ada", "bob")])]
    [('ada', 2)]
    """
    found: dict[tuple[tuple[str, ...], tuple[UserLimit, ...]], UserDemand] = {}
    counts: dict[tuple[tuple[str, ...], tuple[UserLimit, ...]], int] = {}
    for user in users:
        alike = user.types, user.limits
        found.setdefault(alike, user)
        counts[alike] = counts.get(alike, 0) + user.users
    return [replace(user, users=counts[alike]) for alike, user in found.items()]


def alone(types: Iterable[str]) -> list[UserDemand]:
    """Return a user for each type, where it is not known which types a user has."""
    return [UserDemand("", (name,)) for name in types]
