"""Users and tasks for which nothing is emitted though their manifests ask for it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from taskqueue_operator.objects import Object


class SuspendedTask(NamedTuple):
    """A task that the circuit breaker suspended. reason: of the last dead letter; since_ms 0: unknown."""

    type: str
    since_ms: int
    reason: str


class StoppedUser(NamedTuple):
    """A user of whom something is stopped.

    tasks: that the circuit breaker suspended, by type. paused_until_ms: end of a pause by hand, 0: once the user is
    resumed, None: they are not paused.
    """

    tasks: tuple[SuspendedTask, ...] = ()
    paused_until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """What is stopped in the store. users: by id. subscriptions: number that the circuit breaker suspended, by type."""

    users: Mapping[str, StoppedUser] = field(default_factory=dict)
    subscriptions: Mapping[str, int] = field(default_factory=dict)

    def of(self, obj: Object) -> StoppedUser | int | None:
        """Return the part on which the status of an object depends."""
        if obj.kind == "UserSubscription":
            return self.users.get(obj.subject)
        return self.subscriptions.get(obj.name) if obj.kind == "TaskType" else None
