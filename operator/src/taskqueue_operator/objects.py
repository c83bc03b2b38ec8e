"""The objects of the namespace as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from taskqueue.models.manifest import API_VERSION
from taskqueue.models.refusal import ManifestRefusedError
from taskqueue.models.values import Declared, UserSubscription
from taskqueue.plan.admission import admit
from taskqueue_operator.ownership import says_owner

Kind = Literal["RateLimit", "TaskType", "UserSubscription"]
Key = tuple[Kind, str]
#: Declarations by kind, and by the name of the type or limit or the id of the user.
InForce = Mapping[str, Mapping[str, Declared]]
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Object:
    """One object.

    value: the declaration in force, the last accepted one; None if none was accepted. refusal: why the current spec is
    refused; empty if it is accepted. version: its resourceVersion. created: RFC 3339, which sorts as text. status: as
    on the server. subject: the declared type, limit or user; of an object that was never accepted, a guess. declared:
    the last valid declaration, which is in force unless it contradicts other objects. conflict: the contradiction.
    readable: whether more than the metadata was read.
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
    declared: Declared | None
    conflict: str = ""
    readable: bool = True

    @property
    def key(self) -> Key:
        return self.kind, self.name

    @property
    def fault(self) -> str:
        """Why the current spec is not in force; empty if it is."""
        return self.refusal or self.conflict

    @property
    def says_accepted(self) -> bool:
        """Whether the status says that the current spec was accepted."""
        return any(
            condition.get("type") == "Accepted"
            and condition.get("status") == "True"
            and condition.get("observedGeneration") == self.generation
            for condition in self.status.get("conditions", ())
        )

    @property
    def says_owner(self) -> bool:
        """Whether the status names this object as the owner of the declared user."""
        return self.kind == "UserSubscription" and says_owner(self.status, self.subject)

    def unsettled(self) -> "Object":
        """Return the object with its declaration in force, whether or not that contradicts other objects."""
        return replace(self, value=self.declared, conflict="") if self.conflict else self


def read(kind: Kind, raw: Mapping[str, Any], known: Object | None = None) -> Object:
    """Read an object of the API server, without fields that only the server adds.

    raw: with `unreadable`, a reason, if it has only metadata. known: an earlier state of the object. Its value is used
    again for the same generation, as the identical object, and stays in force if an edit is refused.
    """
    meta, readable = raw["metadata"], not raw.get("unreadable")
    if known and known.uid != meta["uid"]:
        known = None
    conflict = ""
    if known and known.generation == meta.get("generation", 0) and (known.readable or not readable):
        value, refusal, readable = known.value, known.refusal, known.readable
        declared, conflict = known.declared, known.conflict
    else:
        value, refusal = _value(kind, raw)
        if refusal and known:
            value = known.value
        declared = value
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
        _subject(kind, meta["name"], declared, raw.get("spec") or {}),
        declared,
        conflict,
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
