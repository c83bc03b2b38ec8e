"""Conflicts between limits, types and users, with the place of the manifest at fault."""

from collections.abc import Iterator, Mapping

from taskqueue.models.fault import Fault
from taskqueue.models.limit_tree import Conflict, conflicts
from taskqueue.sources.declaration import Declaration, Key

Declarations = Mapping[Key, Declaration]


def find_limit_conflicts(declared: Declarations, before: Declarations) -> Iterator[Fault]:
    """Find the conflicts of declarations, as faults of those that changed.

    before: declarations without a conflict between them. The fault is the type's or user's, unless only limits changed.
    """
    of_limits: dict[Key, list[Conflict]] = {}
    at_fault = set[Key]()
    for conflict in conflicts(one.value for one in declared.values()):
        subject = Key(conflict.kind, conflict.name)
        if _is_changed(subject, declared, before):
            at_fault.add(subject)
            yield declared[subject].fault(conflict.refusal.path, conflict.refusal.message)
            continue
        for key in (Key("RateLimit", name) for name in conflict.limits):
            if _is_changed(key, declared, before):
                of_limits.setdefault(key, []).append(conflict)
    for key, found in of_limits.items():
        if key not in at_fault:
            yield declared[key].fault(("spec",), _unfit(found, declared))


def _unfit(found: list[Conflict], declared: Declarations) -> str:
    """Return the fault of a limit that contradicts manifests in force."""
    first = found[0]
    subject = Key(first.kind, first.name)
    others = f" and {len(found) - 1} more" if len(found) > 1 else ""
    field, message = first.refusal.field, first.refusal.message
    return f"must fit {subject} {declared[subject].place()}{others}: {field} {message}"


def _is_changed(key: Key, declared: Declarations, before: Declarations) -> bool:
    return key in declared and (key not in before or declared[key].value != before[key].value)
