"""The objects of the namespace as values, and what they are together. Pure: knows no API and no store."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal

from taskqueue.models.fault import Fault
from taskqueue.models.manifest import API_VERSION
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.plan.admission import admit
from taskqueue.sources.loaded import Loaded, Spared, resolve

Kind = Literal["TaskType", "UserSubscription"]
Key = tuple[Kind, str]
#: Orders objects, the oldest first.
_AGE = attrgetter("created", "uid")
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Object:
    """One object. value: what of it is in force; None if nothing ever was. refusal: why it is not what it says now.

    version: its resourceVersion. created: RFC 3339, which sorts as text. status: as the server has it.
    subject: the type or user that it declares; of one that was never good, as far as it can be told.
    """

    kind: Kind
    name: str
    uid: str
    generation: int
    created: str
    version: str
    value: TaskType | UserSubscription | None
    refusal: str
    status: Mapping[str, Any]
    subject: str

    @property
    def key(self) -> Key:
        return self.kind, self.name


def read(kind: Kind, raw: Mapping[str, Any], known: Object | None = None) -> Object:
    """Makes an Object of what the API server sent. What only the server adds to an object is left out.

    known: an earlier state; the value of the same generation is the same one, and not only an equal one. An edit
    that is refused leaves in force what the object said when it was last good.
    """
    meta = raw["metadata"]
    if known and known.uid != meta["uid"]:
        known = None
    if known and known.generation == meta.get("generation", 0):
        value, refusal = known.value, known.refusal
    else:
        value, refusal = _value(kind, meta["name"], raw.get("spec") or {})
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
    )


def _subject(
    kind: Kind, name: str, value: TaskType | UserSubscription | None, spec: Mapping[str, Any]
) -> str:
    if isinstance(value, UserSubscription):
        return value.user_id
    return str(spec.get("userId") or name) if kind == "UserSubscription" else name


def _value(kind: Kind, name: str, spec: Mapping[str, Any]) -> tuple[TaskType | UserSubscription | None, str]:
    document = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
    try:
        return admit(document), ""
    except ManifestRefusedError as error:
        return None, str(error)


@dataclass
class ObjectTable:
    """Every object by kind and name, fed by lists and by watches in any order.

    gone: uids that went since a list was asked for last; what that list says of them is late. news: how often an
    object declared something new.
    """

    objects: dict[Key, Object] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    news: int = 0

    def asked(self) -> Mapping[Key, Object]:
        """A list of everything is about to be asked for: what is known before it."""
        self.gone.clear()
        return dict(self.objects)

    def put(self, kind: Kind, raw: Mapping[str, Any], before: Mapping[Key, Object] | None = None) -> bool:
        """Take an object in, unless a later state of it is known. True if it declares something new.

        before: what was known when the list that says this was asked for. Where nothing came since, the list is
        right, also with a lower version: those of an API server that got a backup back.
        """
        meta = raw["metadata"]
        known = self.objects.get((kind, meta["name"]))
        if meta["uid"] in self.gone or (known and known.version == meta["resourceVersion"]):
            return False
        # Versions count for all objects of a kind together: also another one of that name may be the later.
        later = known is not None and int(known.version) > int(meta["resourceVersion"])
        if known and later and (before is None or before.get(known.key) is not known):
            return False
        seen = read(kind, raw, known)
        self.objects[seen.key] = seen
        same = known and (
            seen.value is known.value and (seen.uid, seen.refusal) == (known.uid, known.refusal)
        )
        self.news += not same
        return not same

    def drop(self, kind: Kind, name: str, uid: str) -> bool:
        """Forget an object that was deleted, but not one that was made anew under its name."""
        self.gone.add(uid)
        known = self.objects.get((kind, name))
        if known is None or known.uid != uid:
            return False
        del self.objects[kind, name]
        return True

    def prune(self, kind: Kind, listed: Container[str], before: Mapping[Key, Object]) -> bool:
        """Forget what a whole list did not name, unless it came after the list was asked for (`before`)."""
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

    def rivals(self) -> dict[str, Object]:
        """Subscriptions that name a user who has an older one, by their name: the older, which counts."""
        first: dict[str, Object] = {}
        rivals: dict[str, Object] = {}
        for one in sorted(self._of("UserSubscription"), key=_AGE):
            if isinstance(one.value, UserSubscription):
                older = first.setdefault(one.value.user_id, one)
                if older is not one:
                    rivals[one.name] = older
        return rivals

    def loaded(self) -> Loaded:
        """What is in force. An object that is refused is a fault, and nothing is removed for its sake."""
        rivals = self.rivals()
        types = {one.name: one.value for one in self._of("TaskType") if isinstance(one.value, TaskType)}
        users = {
            one.value.user_id: one.value
            for one in self._of("UserSubscription")
            if isinstance(one.value, UserSubscription) and one.name not in rivals
        }
        faults = tuple(
            Fault(f"{one.kind}/{one.name}", 1, 0, "spec", one.refusal)
            for one in self.objects.values()
            if one.refusal
        )
        unknown = [one for one in self.objects.values() if one.value is None]
        spared = Spared(
            frozenset(one.subject for one in unknown if one.kind == "TaskType"),
            frozenset(one.subject for one in unknown if one.kind == "UserSubscription"),
        )
        unresolved = resolve(types, users)
        return Loaded(MappingProxyType(types), MappingProxyType(users), faults, unresolved, (), spared)

    def _of(self, kind: Kind) -> Iterator[Object]:
        return (one for one in self.objects.values() if one.kind == kind)
