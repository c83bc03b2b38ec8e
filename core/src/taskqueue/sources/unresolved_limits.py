"""Limits named by manifests and not in force."""

from collections.abc import Mapping
from dataclasses import dataclass

from taskqueue.models.values import Limit, TaskType, UserSubscription


@dataclass(frozen=True, slots=True)
class UnresolvedLimit:
    """A limit that is named and not in force: a warning; jobs that need it wait.

    named_by: one of the `count` manifests that name it: a type, else a limit, else a user.
    refusal: the refusal of the limit's manifest; empty without a manifest.
    """

    limit: str
    named_by: str
    count: int
    refusal: str = ""

    def __str__(self) -> str:
        """Return a sentence with both names."""
        others = f" and {self.count - 1} more" if self.count > 1 else ""
        if self.refusal:
            return f"{self.named_by}{others}: the RateLimit {self.limit} is refused: {self.refusal}"
        return f"{self.named_by}{others}: nothing declares the RateLimit {self.limit}"


def resolve_limits(
    limits: Mapping[str, Limit],
    types: Mapping[str, TaskType],
    users: Mapping[str, UserSubscription],
    refused: Mapping[str, str],
) -> tuple[UnresolvedLimit, ...]:
    """Return the limits that are named and not in force, in order of name.

    refused: the refusals of declared limits that are not in force.
    """
    named: dict[str, list[str]] = {}
    for task_type in types.values():
        for name in task_type.limits:
            named.setdefault(name, []).append(f"TaskType {task_type.name}")
    for limit in limits.values():
        if limit.within is not None:
            named.setdefault(limit.within, []).append(f"RateLimit {limit.name}")
    for user in users.values():
        for own in user.limits:
            named.setdefault(own.name, []).append(f"UserSubscription {user.user_id}")
    return tuple(
        UnresolvedLimit(name, by[0], len(by), refused.get(name, ""))
        for name, by in sorted(named.items())
        if name not in limits
    )
