"""The inputs of a status besides its object."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from taskqueue.models.values import Limit, TaskType
from taskqueue_operator.objects import Object
from taskqueue_operator.stopped import Stopped


@dataclass(frozen=True, slots=True)
class StatusInputs:
    """Everything that conditions depend on and objects do not hold.

    types: in force, by name. duplicates: subscriptions whose user another object owns, by name, each with the owner.
    imported: users from an import or a client. handlers: registered by running workers, or by the last ones while none
    runs; None if no worker was ever seen. paused: types, by `taskqueue pause`. limited: whether a global limit is set.
    infeasible: why the demand of a day does not fit under the limit; empty if it fits. subscriptions: their number by
    type. minute: since the epoch, so that statuses which only time changes are compared once a minute. refused_types:
    types of which no state is in force, with their refusals. limits: in force, by name. known_limits: also the deleted
    ones whose last values stay in force. refused_limits: as refused_types. stopped: in
    the store; of no account for whether two are equal, as a change concerns few objects.
    """

    types: Mapping[str, TaskType]
    duplicates: Mapping[str, Object]
    imported: frozenset[str]
    handlers: frozenset[str] | None
    paused: frozenset[str]
    limited: bool
    infeasible: str
    subscriptions: Mapping[str, int]
    minute: int
    refused_types: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    known_limits: Mapping[str, Limit] = field(default_factory=dict)
    refused_limits: Mapping[str, str] = field(default_factory=dict)
    stopped: Stopped = field(default_factory=Stopped, compare=False)
