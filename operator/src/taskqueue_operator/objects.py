"""The objects of the namespace as values, and what they are together. Pure: knows no API and no store."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from taskqueue.models.fault import Fault
from taskqueue.models.manifest import API_VERSION
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.values import TaskType, UserSubscription
from taskqueue.plan.admission import admit
from taskqueue.sources.desired import Desired, Protected, find_overriding, resolve
from taskqueue_operator.ownership import Ownership, says_owner

Kind = Literal["TaskType", "UserSubscription"]
Key = tuple[Kind, str]
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Object:
    """One object. value: what of it is in force; None if nothing ever was. refusal: why it is not what it says now.

    version: its resourceVersion. created: RFC 3339, which sorts as text. status: as the server has it.
    subject: the type or user that it declares; of one that was never good, as far as it can be told. readable: whether
    there was more of it than metadata.
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
    readable: bool = True

    @property
    def key(self) -> Key:
        return self.kind, self.name

    @property
    def says_owner(self) -> bool:
        """Whether the status names this object as the owner of the declared user."""
        return self.kind == "UserSubscription" and says_owner(self.status, self.subject)


def read(kind: Kind, raw: Mapping[str, Any], known: Object | None = None) -> Object:
    """Makes an Object of what the API server sent. What only the server adds to an object is left out.

    raw: with `unreadable`, why there is only metadata of it.

    known: an earlier state; the value of the same generation is the same one, and not only an equal one. An edit
    that is refused leaves in force what the object said when it was last good.
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


def _subject(
    kind: Kind, name: str, value: TaskType | UserSubscription | None, spec: Mapping[str, Any]
) -> str:
    if isinstance(value, UserSubscription):
        return value.user_id
    return str(spec.get("userId") or name) if kind == "UserSubscription" else name


def _value(kind: Kind, raw: Mapping[str, Any]) -> tuple[TaskType | UserSubscription | None, str]:
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
    """Every object by kind and name, fed by lists and by watches in any order.

    gone: uids that went since a list was asked for last; what that list says of them is late. news: how often an
    object declared something new. ownership: who has which user. contended: users that several objects named when
    they were last offered.
    """

    objects: dict[Key, Object] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    news: int = 0
    ownership: Ownership = field(default_factory=Ownership)
    contended: frozenset[str] = frozenset()

    def asked(self) -> Mapping[Key, Object]:
        """A list of everything is about to be asked for: what is known before it."""
        self.gone.clear()
        return dict(self.objects)

    def put(self, kind: Kind, raw: Mapping[str, Any], before: Mapping[Key, Object] | None = None) -> bool:
        """Take an object in, unless a later state of it is known. True if something else may be in force now.

        That is: it declares something new, or its status says otherwise who has a user that several objects name.
        before: what was known when the list that says this was asked for. Where nothing came since, the list is
        right, also with a lower version: those of an API server that got a backup back.
        """
        meta = raw["metadata"]
        known = self.objects.get((kind, meta["name"]))
        if meta["uid"] in self.gone:
            return False
        mended = known is not None and not known.readable and not raw.get("unreadable")
        if known and known.version == meta["resourceVersion"] and not mended:
            return False
        # Versions count for all objects of a kind together: also another one of that name may be the later.
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

    def duplicates(self) -> dict[str, Object]:
        """Subscriptions that name a user whom another has, by their name: the other, which counts."""
        return {one.name: first for first, *others in self._contenders().values() for one in others}

    def refused_types(self) -> dict[str, str]:
        """Task types that declare nothing that is in force, by name: why."""
        return {one.name: one.refusal for one in self._of("TaskType") if one.value is None}

    def undecided(self) -> list[str]:
        """Users that several objects name, and of whom no status says whose they are."""
        return [user for user, (first, *_) in self._contenders().items() if not first.says_owner]

    def _contenders(self) -> dict[str, list[Object]]:
        """Return the objects of each user named more than once, the owner first."""
        alone: dict[str, Object] = {}
        contenders: dict[str, list[Object]] = {}
        for one in self._of("UserSubscription"):
            if one.value is None and not one.says_owner:
                continue  # it never declared anything
            first = alone.setdefault(one.subject, one)
            if first is not one:
                contenders.setdefault(one.subject, [first]).append(one)
        return {user: sorted(several, key=self._claim) for user, several in contenders.items()}

    def _claim(self, one: Object) -> tuple[bool, bool, bool, str, str]:
        """Order the objects that name one user, the one that has it first."""
        return (
            not one.says_owner,
            not self.ownership.is_stored(one.value),
            one.uid not in self.ownership.held,
            one.created,
            one.name,
        )

    def desired(self) -> Desired:
        """What is in force. An object that is refused is a fault, and nothing is removed for its sake."""
        contenders = self._contenders()
        duplicates = {one.name for _, *others in contenders.values() for one in others}
        self.contended = frozenset(contenders)
        self.ownership = Ownership(
            frozenset(
                one.uid
                for one in self._of("UserSubscription")
                if one.value is not None and one.name not in duplicates
            )
        )
        types = {one.name: one.value for one in self._of("TaskType") if isinstance(one.value, TaskType)}
        users = {
            one.value.user_id: one.value
            for one in self._of("UserSubscription")
            if isinstance(one.value, UserSubscription) and one.name not in duplicates
        }
        faults = tuple(
            Fault(f"{one.kind}/{one.name}", 1, 0, "spec", one.refusal)
            for one in self.objects.values()
            if one.refusal
        )
        unknown = [one for one in self.objects.values() if one.value is None]
        protected = Protected(
            frozenset(one.subject for one in unknown if one.kind == "TaskType"),
            frozenset(one.subject for one in unknown if one.kind == "UserSubscription"),
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
        return (one for one in self.objects.values() if one.kind == kind)
