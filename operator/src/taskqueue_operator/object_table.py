"""The table of all objects, which yields the desired state. Pure."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from taskqueue.models.fault import Fault
from taskqueue.models.limit_tree import names_in_use
from taskqueue.models.values import Declared, Limit, TaskType, UserSubscription
from taskqueue.sources.desired import Desired, Protected, find_overriding, resolve
from taskqueue.sources.not_offered import resolve_intervals
from taskqueue.sources.unresolved_limits import resolve_limits
from taskqueue_operator.limit_conflicts import Settling, may_contradict
from taskqueue_operator.objects import InForce, Key, Kind, Object, read
from taskqueue_operator.ownership import Ownership


@dataclass
class ObjectTable:
    """All objects by kind and name, from lists and watches in any order.

    gone: UIDs of objects deleted since the last list was requested; the list may still contain them. news: the number
    of new declarations so far. ownership: evidence of the owners of users.

    Of the last desired state: contended: users that several objects declared. conflicting: objects in conflicts of
    limits. in_force: declarations, and earlier ones of refused objects, of which the store keeps the record.
    known_limits: its limits, and earlier ones that jobs of its types still take from.
    """

    objects: dict[Key, Object] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    news: int = 0
    ownership: Ownership = field(default_factory=Ownership)
    contended: frozenset[str] = frozenset()
    conflicting: frozenset[Key] = frozenset()
    in_force: InForce = field(default_factory=dict)
    known_limits: Mapping[str, Limit] = field(default_factory=dict)

    def asked(self) -> Mapping[Key, Object]:
        """Return the known objects before a list is requested."""
        self.gone.clear()
        return dict(self.objects)

    def put(self, kind: Kind, raw: Mapping[str, Any], before: Mapping[Key, Object] | None = None) -> bool:
        """Add an object, unless a later state of it is known. True if the desired state may have changed.

        It may change with a new declaration, or with a status that is evidence in a conflict: of the owner of a
        contended user, or of the object that was accepted first.

        before: objects known when the list was requested. If an object is unchanged since, the list counts even with a
        lower version, as from an API server that was restored from a backup.
        """
        meta = raw["metadata"]
        known = self.objects.get((kind, meta["name"]))
        if meta["uid"] in self.gone:
            return False
        mended = known is not None and not known.readable and not raw.get("unreadable")
        if known and known.version == meta["resourceVersion"] and not mended:
            return False
        # All objects of a kind share one sequence of versions, so objects of one name with different UIDs compare too.
        later = known is not None and int(known.version) > int(meta["resourceVersion"])
        if known and later and (before is None or not _is_unchanged(known, before)):
            return False
        seen = read(kind, raw, known)
        self.objects[seen.key] = seen
        if (
            known is None
            or seen.value is not known.value
            or (seen.uid, seen.refusal) != (known.uid, known.refusal)
        ):
            self.news += 1
            return True
        if seen.key in self.conflicting and known.says_accepted != seen.says_accepted:
            return True
        return seen.subject in self.contended and known.says_owner != seen.says_owner

    def drop(self, kind: Kind, name: str, uid: str) -> bool:
        """Remove a deleted object, but not a new object of the same name."""
        self.gone.add(uid)
        known = self.objects.get((kind, name))
        if known is None or known.uid != uid:
            return False
        del self.objects[kind, name]
        return True

    def prune(self, kind: Kind, listed: Container[str], before: Mapping[Key, Object]) -> bool:
        """Remove objects that a complete list lacks, unless they changed after it was requested (`before`)."""
        gone = [
            key
            for key, known in self.objects.items()
            if key[0] == kind and key[1] not in listed and _is_unchanged(known, before)
        ]
        for key in gone:
            self.gone.add(self.objects.pop(key).uid)
        return bool(gone)

    def count(self, kind: Kind) -> int:
        return sum(1 for _ in self._of(kind))

    def duplicates(self) -> dict[str, Object]:
        """Return subscriptions whose user another object owns, by name, each with the owner."""
        return {obj.name: owner for owner, *rest in self._contenders().values() for obj in rest}

    def refused(self, kind: Kind) -> dict[str, str]:
        """Return the objects of a kind without an accepted declaration, by name, each with its fault."""
        return {obj.name: obj.fault for obj in self._of(kind) if obj.value is None}

    def undecided(self) -> list[str]:
        """Return users that several objects declare and no status assigns to an owner."""
        return [user for user, (first, *_) in self._contenders().items() if not first.says_owner]

    def _contenders(self) -> dict[str, list[Object]]:
        """Return the objects of each user that several objects declare, the owner first."""
        alone: dict[str, Object] = {}
        contenders: dict[str, list[Object]] = {}
        for obj in self._of("UserSubscription"):
            if obj.declared is None and not obj.says_owner:
                continue  # without a valid declaration
            first = alone.setdefault(obj.subject, obj)
            if first is not obj:
                contenders.setdefault(obj.subject, [first]).append(obj)
        return {user: sorted(several, key=self._claim) for user, several in contenders.items()}

    def _claim(self, obj: Object) -> tuple[bool, bool, bool, str, str]:
        """Order the objects that declare one user, the owner first."""
        return (
            not obj.says_owner,
            not self.ownership.is_stored(obj.declared),
            obj.uid not in self.ownership.owners,
            obj.created,
            obj.name,
        )

    def learn(self, stored: InForce) -> None:
        """Take the declarations that were in force when this operator started.   stored: of the store."""
        self.in_force = stored
        limits = stored.get("RateLimit", {})
        self.known_limits = {name: limit for name, limit in limits.items() if isinstance(limit, Limit)}

    def desired(self) -> Desired:
        """Return the desired state. A refused object is a fault; its type, limit or user is protected from removal."""
        contenders = self._contenders()
        duplicates = {obj.name for _, *rest in contenders.values() for obj in rest}
        self.contended = frozenset(contenders)
        self._settle_limits(duplicates)
        self.ownership = Ownership(
            frozenset(
                obj.uid
                for obj in self._of("UserSubscription")
                if obj.declared is not None and obj.name not in duplicates
            )
        )
        types = {obj.name: obj.value for obj in self._of("TaskType") if isinstance(obj.value, TaskType)}
        limits = {obj.name: obj.value for obj in self._of("RateLimit") if isinstance(obj.value, Limit)}
        users = {
            obj.value.user_id: obj.value
            for obj in self._of("UserSubscription")
            if isinstance(obj.value, UserSubscription) and obj.name not in duplicates
        }
        unknown = [obj for obj in self.objects.values() if obj.value is None]
        self._remember({"TaskType": types, "RateLimit": limits, "UserSubscription": users}, unknown)
        self._learn_limits(limits, types)
        return Desired(
            types=MappingProxyType(types),
            users=MappingProxyType(users),
            faults=tuple(
                Fault(f"{obj.kind}/{obj.name}", 1, 0, "spec", obj.fault)
                for obj in self.objects.values()
                if obj.fault
            ),
            unresolved=resolve(types, users, self.refused("TaskType")),
            files=(),
            protected=_protected(unknown),
            overriding=find_overriding(types, users),
            limits=MappingProxyType(limits),
            unresolved_limits=resolve_limits(limits, types, users, self.refused("RateLimit")),
            not_offered=resolve_intervals(types, users),
        )

    def _settle_limits(self, duplicates: Container[str]) -> None:
        """Choose the states in force of objects whose limits contradict each other."""
        settled: dict[Key, Object] = {}
        taking_part = []
        for obj in self.objects.values():
            if isinstance(obj.declared, UserSubscription) and not obj.declared.limits:
                continue  # most users: this loop delays the ticker
            if obj.conflict:
                settled[obj.key] = obj.unsettled()
            is_duplicate = obj.kind == "UserSubscription" and obj.name in duplicates
            if may_contradict(obj) and not is_duplicate:
                taking_part.append(obj)
        settling = Settling(taking_part, self.in_force)
        settled |= settling.settle()
        self.objects |= {key: obj for key, obj in settled.items() if obj != self.objects[key]}
        self.conflicting = frozenset(settling.contended)

    def _remember(self, now: InForce, unknown: Sequence[Object]) -> None:
        """Take declarations in force, and keep those of objects without one."""
        kept: dict[str, dict[str, Declared]] = {kind: {} for kind in now}
        for obj in unknown:
            former = self.in_force.get(obj.kind, {}).get(obj.subject)
            if former is not None:
                kept[obj.kind][obj.subject] = former
        self.in_force = {
            kind: {**kept[kind], **declared} if kept[kind] else declared for kind, declared in now.items()
        }

    def _learn_limits(self, limits: Mapping[str, Limit], types: Mapping[str, TaskType]) -> None:
        known = {**self.known_limits, **limits}
        kept = limits.keys() | names_in_use(types.values(), known)
        self.known_limits = {name: limit for name, limit in known.items() if name in kept}

    def _of(self, kind: Kind) -> Iterator[Object]:
        return (obj for obj in self.objects.values() if obj.kind == kind)


def _is_unchanged(known: Object, before: Mapping[Key, Object]) -> bool:
    """Tell whether the API server's state of an object is the one known before."""
    had = before.get(known.key)
    return had is not None and (had.uid, had.version) == (known.uid, known.version)


def _protected(unknown: Sequence[Object]) -> Protected:
    """Return what the store keeps.   unknown: objects without a declaration in force."""
    subjects: dict[Kind, frozenset[str]] = {
        kind: frozenset(obj.subject for obj in unknown if obj.kind == kind)
        for kind in ("TaskType", "UserSubscription", "RateLimit")
    }
    return Protected(subjects["TaskType"], subjects["UserSubscription"], subjects["RateLimit"])
