"""Which of several objects that name one user has that user. Pure.

Whoever has a user keeps it until its object goes: by its own status, which survives every operator; at a start also by
what the store has of the user, for an operator that ended before it wrote the status; by what this operator offered
last. Only where none has it yet, the oldest object gets it, and of several of one second the first by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from taskqueue.models.values import UserSubscription
from taskqueue.store.users import digest

#: Reasons of Accepted that go with a user that another object has, or that no operator has looked at yet.
_HAS_NONE = frozenset({"DuplicateUser", "Pending"})


def says_owner(status: Mapping[str, Any], user_id: str) -> bool:
    """Tell whether an object's status says that it has the user, though what it says now may be refused."""
    if status.get("userId") != user_id:
        return False
    return any(
        condition.get("type") == "Accepted" and condition.get("reason") not in _HAS_NONE
        for condition in status.get("conditions", ())
    )


@dataclass(slots=True)
class Ownership:
    """What is known of who has which user.

    held: uids of the objects that had their user when they were last offered. stored: digests of users as the store had
    them at the start.
    """

    held: frozenset[str] = frozenset()
    stored: Mapping[str, str] = field(default_factory=dict)

    def is_stored(self, value: object) -> bool:
        """Tell whether the store has just what an object declares."""
        if not isinstance(value, UserSubscription) or value.user_id not in self.stored:
            return False
        return digest(value) == self.stored[value.user_id]
