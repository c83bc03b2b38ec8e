"""The limits that the example API was told to have: the body of POST /-/limits."""

import msgspec

from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND
from taskqueue.models.values import LimitKey

SLACK_MS = 15.0
MAX_SLACK_MS = 1e9
#: Names of a request after which further ones do not count.
MAX_NAMES_A_REQUEST = 16


class Values(msgspec.Struct, forbid_unknown_fields=True):
    """A rate and a bucket. per_second: requests. burst: requests that may follow each other at once."""

    per_second: float
    burst: int = 1

    def __post_init__(self) -> None:
        if not MIN_PER_SECOND <= self.per_second <= MAX_PER_SECOND:
            raise ValueError(f"per_second must be from {MIN_PER_SECOND:g} to {MAX_PER_SECOND:g}")
        if self.burst < 1:
            raise ValueError("burst must be at least 1")


class Rule(Values, forbid_unknown_fields=True, kw_only=True):
    """A limit by name.

    key: all requests share it (Release), or each user has it to themselves (User). within: the limit around it.
    users: values of single users, in place of the limit's.
    """

    name: str
    key: LimitKey = LimitKey.RELEASE
    within: str | None = None
    users: dict[str, Values] = {}

    def values_of(self, key: str) -> Values:
        """Return the values in force for a key, which is a user or "" for all."""
        return self.users.get(key, self)


class Rules(msgspec.Struct, forbid_unknown_fields=True):
    """All limits. slack_ms: so much earlier than a limit allows a request may arrive without being refused."""

    limits: list[Rule]
    slack_ms: float = SLACK_MS

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.limits]
        if len(set(names)) < len(names):
            raise ValueError("limits must have a name each")
        if not 0 <= self.slack_ms <= MAX_SLACK_MS:
            raise ValueError(f"slack_ms must be from 0 to {MAX_SLACK_MS:g}")

    def path_of(self, names: str) -> tuple[str, ...]:
        """Return the limits that a request takes from: the named ones, comma-separated, and all around them."""
        around = {rule.name: rule.within for rule in self.limits}
        path: dict[str, None] = {}
        for name in names.split(",")[:MAX_NAMES_A_REQUEST]:
            following: str | None = name.strip()
            while following and following not in path:
                path[following] = None
                following = around.get(following)
        return tuple(path)
