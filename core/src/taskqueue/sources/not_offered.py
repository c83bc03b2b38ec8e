"""Intervals that tasks name and their types do not offer."""

from collections.abc import Mapping
from dataclasses import dataclass

from taskqueue.models.offered_intervals import find_not_offered, own_interval_reason
from taskqueue.models.values import TaskType, UserSubscription


@dataclass(frozen=True, slots=True)
class NotOffered:
    """Tasks that name an interval which their type does not offer: a warning; they run at the type's own schedule.

    user_id: one of the `user_count` users who have such a task.   reason: names what the type offers.
    """

    type: str
    interval_s: int
    user_id: str
    user_count: int
    reason: str

    def __str__(self) -> str:
        """Return a sentence with user, type and remedy."""
        others = f" and {self.user_count - 1} more" if self.user_count > 1 else ""
        return f"{self.user_id}{others}: {self.reason}"


def resolve_intervals(
    types: Mapping[str, TaskType], users: Mapping[str, UserSubscription]
) -> tuple[NotOffered, ...]:
    """Return the intervals that tasks name and their types do not offer, in order of type and interval."""
    named: dict[tuple[str, int], list[str]] = {}
    for user in users.values():
        for choice in find_not_offered(user, types).items():
            named.setdefault(choice, []).append(user.user_id)
    return tuple(
        NotOffered(name, interval_s, user_ids[0], len(user_ids), own_interval_reason(types[name], interval_s))
        for (name, interval_s), user_ids in sorted(named.items())
    )
