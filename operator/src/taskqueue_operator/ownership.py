"""Ownership of a user that several UserSubscriptions name. Pure.

The owner keeps its user until its object is deleted. Evidence, in this order: the status of the object, which survives
every operator; at a start the stored subscription, in case an operator ended before it wrote the status; the last
decision of this operator. Without evidence the oldest object becomes the owner, and of several of the same second the
first by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from taskqueue.models.values import UserSubscription
from taskqueue.store.users import digest

#: Reasons of Accepted for an object that does not own its user: a duplicate, or not yet processed.
_HAS_NONE = frozenset({"DuplicateUser", "Pending"})


def says_owner(status: Mapping[str, Any], user_id: str) -> bool:
    """Tell whether a status names its object as the owner of the user, even if the current spec is refused."""
    if status.get("userId") != user_id:
        return False
    return any(
        condition.get("type") == "Accepted" and condition.get("reason") not in _HAS_NONE
        for condition in status.get("conditions", ())
    )


@dataclass(slots=True)
class Ownership:
    """Evidence of ownership besides the statuses.

    owners: UIDs of the objects that owned their user at the last decision. stored: digests of the users in the store at
    the start, by user.
    """

    owners: frozenset[str] = frozenset()
    stored: Mapping[str, str] = field(default_factory=dict)

    def is_stored(self, value: object) -> bool:
        """Tell whether the store has exactly the subscription that an object declares."""
        if not isinstance(value, UserSubscription) or value.user_id not in self.stored:
            return False
        return digest(value) == self.stored[value.user_id]
