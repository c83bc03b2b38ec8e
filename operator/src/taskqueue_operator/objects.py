"""The objects of the namespace as values, and the table of them that yields the desired state. Pure."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from taskqueue.models.fault import Fault
from taskqueue.models.manifest import API_VERSION
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.values import Declared, TaskType, UserSubscription
from taskqueue.plan.admission import admit
from taskqueue.sources.desired import Desired, Protected, find_overriding, resolve
from taskqueue_operator.ownership import Ownership, says_owner

Kind = Literal["TaskType", "UserSubscription"]
Key = tuple[Kind, str]
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Object:
    """One object.

    value: the declaration in force, the last accepted one; None if none was accepted. refusal: why the current spec is
    refused; empty if it is accepted. version: its resourceVersion. created: RFC 3339, which sorts as text. status: as
    on the server. subject: the declared type or user; of an object that was never accepted, a guess. readable: whether
    more than the metadata was read.
    """

    kind: Kind
    name: str
    uid: str
    generation: int
    created: str
    version: str
    value: Declared | None
    refusal: str
    status: Mapping[str, Any]
    subject: str
    readable: bool = True

    @property
    def key(self) -> Key:
        return self.kind, self.name

    @property
    def says_owner(self) -> bool:
        """Whether the status names this object as the owner of the declared user."""
        return self.kind == "UserSubscription" and says_owner(self.status, self.subject)


def read(kind: Kind, raw: Mapping[str, Any], known: Object | None = None) -> Object:
    """Read an object of the API server, without fields that only the server adds.

    raw: with `unreadable`, a reason, if it has only metadata. known: an earlier state of the object. Its value is used
    again for the same generation, as the identical object, and stays in force if an edit is refused.
    """
    meta, readable = raw["metadata"], not raw.get("unreadable")
    if known and known.uid != meta["uid"]:
        known = None
    if known and known.generation == meta.get("generation", 0) and (known.readable or not readable):
        value, refusal, readable = known.value, known.refusal, known.readable
    else:
        value, refusal = _value(kind, raw)
        if refusal and known:
            value = known.value
    return Object(
        kind,
        meta["name"],
        meta["uid"],
        meta.get("generation", 0),
        meta.get("creationTimestamp", ""),
        meta["resourceVersion"],
        value,
        refusal,
        raw.get("status") or _EMPTY,
        _subject(kind, meta["name"], value, raw.get("spec") or {}),
        readable,
    )


def _subject(kind: Kind, name: str, value: Declared | None, spec: Mapping[str, Any]) -> str:
    if isinstance(value, UserSubscription):
        return value.user_id
    return str(spec.get("userId") or name) if kind == "UserSubscription" else name


def _value(kind: Kind, raw: Mapping[str, Any]) -> tuple[Declared | None, str]:
    if raw.get("unreadable"):
        return None, f"the object cannot be read: {raw['unreadable']}"
    name = {"name": raw["metadata"]["name"]}
    document = {"apiVersion": API_VERSION, "kind": kind, "metadata": name, "spec": raw.get("spec") or {}}
    try:
        return admit(document), ""
    except ManifestRefusedError as error:
        return None, str(error)


@dataclass
class ObjectTable:
    """All objects by kind and name, from lists and watches in any order.

    gone: UIDs of objects deleted since the last list was requested; the list may still contain them. news: the number
    of new declarations so far. ownership: evidence of the owners of users. contended: users that several objects
    declared in the last desired state.
    """

    objects: dict[Key, Object] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    news: int = 0
    ownership: Ownership = field(default_factory=Ownership)
    contended: frozenset[str] = frozenset()

    def asked(self) -> Mapping[Key, Object]:
        """Return the known objects before a list is requested."""
        self.gone.clear()
        return dict(self.objects)

    def put(self, kind: Kind, raw: Mapping[str, Any], before: Mapping[Key, Object] | None = None) -> bool:
        """Add an object, unless a later state of it is known. True if the desired state may have changed.

        It may change with a new declaration, or with a status that names another owner of a contended user.

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
        if known and later and (before is None or before.get(known.key) is not known):
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
            if key[0] == kind and key[1] not in listed and before.get(key) is known
        ]
        for key in gone:
            self.gone.add(self.objects.pop(key).uid)
        return bool(gone)

    def count(self, kind: Kind) -> int:
        return sum(1 for _ in self._of(kind))

    def duplicates(self) -> dict[str, Object]:
        """Return subscriptions whose user another object owns, by name, each with the owner."""
        return {obj.name: owner for owner, *rest in self._contenders().values() for obj in rest}

    def refused_types(self) -> dict[str, str]:
        """Return the task types without an accepted declaration, by name, each with its refusal."""
        return {obj.name: obj.refusal for obj in self._of("TaskType") if obj.value is None}

    def undecided(self) -> list[str]:
        """Return users that several objects declare and no status assigns to an owner."""
        return [user for user, (first, *_) in self._contenders().items() if not first.says_owner]

    def _contenders(self) -> dict[str, list[Object]]:
        """Return the objects of each user that several objects declare, the owner first."""
        alone: dict[str, Object] = {}
        contenders: dict[str, list[Object]] = {}
        for obj in self._of("UserSubscription"):
            if obj.value is None and not obj.says_owner:
                continue  # without an accepted declaration
            first = alone.setdefault(obj.subject, obj)
            if first is not obj:
                contenders.setdefault(obj.subject, [first]).append(obj)
        return {user: sorted(several, key=self._claim) for user, several in contenders.items()}

    def _claim(self, obj: Object) -> tuple[bool, bool, bool, str, str]:
        """Order the objects that declare one user, the owner first."""
        return (
            not obj.says_owner,
            not self.ownership.is_stored(obj.value),
            obj.uid not in self.ownership.owners,
            obj.created,
            obj.name,
        )

    def desired(self) -> Desired:
        """Return the desired state. A refused object is a fault; its type or user is protected from removal."""
        contenders = self._contenders()
        duplicates = {obj.name for _, *rest in contenders.values() for obj in rest}
        self.contended = frozenset(contenders)
        self.ownership = Ownership(
            frozenset(
                obj.uid
                for obj in self._of("UserSubscription")
                if obj.value is not None and obj.name not in duplicates
            )
        )
        types = {obj.name: obj.value for obj in self._of("TaskType") if isinstance(obj.value, TaskType)}
        users = {
            obj.value.user_id: obj.value
            for obj in self._of("UserSubscription")
            if isinstance(obj.value, UserSubscription) and obj.name not in duplicates
        }
        faults = tuple(
            Fault(f"{obj.kind}/{obj.name}", 1, 0, "spec", obj.refusal)
            for obj in self.objects.values()
            if obj.refusal
        )
        unknown = [obj for obj in self.objects.values() if obj.value is None]
        protected = Protected(
            frozenset(obj.subject for obj in unknown if obj.kind == "TaskType"),
            frozenset(obj.subject for obj in unknown if obj.kind == "UserSubscription"),
        )
        unresolved = resolve(types, users, self.refused_types())
        return Desired(
            MappingProxyType(types),
            MappingProxyType(users),
            faults,
            unresolved,
            (),
            protected,
            find_overriding(types, users),
        )

    def _of(self, kind: Kind) -> Iterator[Object]:
        return (obj for obj in self.objects.values() if obj.kind == kind)
