"""Conflicts of limits between objects: the objects that are refused, and their states that stay in force. Pure.

The object that came or changed last is refused; of several, the type or user rather than its limits. Evidence of what
was in force before, in this order: a status that accepts the current spec, which survives every operator and which all
replicas read; the last decision of this operator, or at its start the store. A refused object keeps its state of then.
Without such a state the store keeps its record, if it has one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from taskqueue.models.limit_tree import Conflict, conflicts
from taskqueue.models.values import Declared, Limit
from taskqueue_operator.objects import InForce, Key, Object

#: Kind, and name of the limit or type or id of the user.
_Subject = tuple[str, str]


class Settling:
    """The objects that may contradict each other.

    in_force: declarations before.   contended: keys of objects in conflicts.
    """

    def __init__(self, objects: Iterable[Object], in_force: InForce) -> None:
        self.contended = set[Key]()
        self._in_force = in_force
        states = (self._first_state(obj) for obj in objects)
        self._objects: dict[_Subject, Object] = {
            (obj.kind, obj.subject): obj for obj in states if _has_limits(obj.value)
        }

    def settle(self) -> Mapping[Key, Object]:
        """Refuse objects until the others fit, and return all by key.

        At worst all are refused: without one of them, the others do not begin to contradict each other.
        """
        while at_fault := self._find_faults():
            for subject, message in at_fault.items():
                self._objects[subject] = self._refuse(self._objects[subject], message)
        return {obj.key: obj for obj in self._objects.values() if obj.declared is not None}

    def _find_faults(self) -> dict[_Subject, str]:
        """Return the objects to refuse next, each with its conflict."""
        own: dict[_Subject, list[str]] = {}
        of_limits: dict[_Subject, list[Conflict]] = {}
        for conflict in conflicts(obj.value for obj in self._objects.values() if obj.value is not None):
            subject = conflict.kind, conflict.name
            limits = [("RateLimit", name) for name in conflict.limits]
            ranks = {one: self._rank(self._objects[one]) for one in (subject, *limits)}
            self.contended |= {self._objects[one].key for one in ranks}
            lowest = min(ranks.values())
            if ranks[subject] == lowest:
                own.setdefault(subject, []).append(f"{conflict.refusal.field}: {conflict.refusal.message}")
                continue
            for limit in limits:
                if ranks[limit] == lowest:
                    of_limits.setdefault(limit, []).append(conflict)
        unfit = {limit: self._unfit(found) for limit, found in of_limits.items()}
        return unfit | {subject: "; ".join(found) for subject, found in own.items()}

    def _rank(self, obj: Object) -> tuple[bool, bool]:
        """Order objects by the evidence that their states were in force before; the lowest are refused."""
        return obj.value is obj.declared and obj.says_accepted, obj.value == self._before(obj)

    def _first_state(self, obj: Object) -> Object:
        """Return an object with its declaration, or if it has no valid one with its record in the store."""
        return obj.unsettled() if obj.declared is not None else replace(obj, value=self._before(obj))

    def _refuse(self, obj: Object, message: str) -> Object:
        """Go back from the declaration to the state before, and from this to none."""
        before = None if obj.conflict else self._before(obj)
        return replace(obj, value=before, conflict=obj.conflict or message)

    def _before(self, obj: Object) -> Declared | None:
        return self._in_force.get(obj.kind, {}).get(obj.subject)

    def _unfit(self, found: list[Conflict]) -> str:
        """Return the conflict of a limit with objects in force."""
        first = min(found, key=lambda conflict: (conflict.kind, conflict.name))
        subject = self._objects[first.kind, first.name]
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        field, message = first.refusal.field, first.refusal.message
        return f"spec: must fit {subject.kind} {subject.name}{others}: {field} {message}"


def may_contradict(obj: Object) -> bool:
    """Tell whether other objects may contradict this one; most users have no limits of their own."""
    return obj.declared is None or _has_limits(obj.declared)


def _has_limits(value: Declared | None) -> bool:
    return value is not None and (isinstance(value, Limit) or bool(value.limits))
