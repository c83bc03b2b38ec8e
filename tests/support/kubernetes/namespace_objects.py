"""The objects of a namespace, and the table of an operator that watches them and writes their statuses."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from taskqueue.sources.desired import Desired
from taskqueue_operator.object_table import ObjectTable
from taskqueue_operator.objects import Key, Kind, Object
from taskqueue_operator.status import status_of
from taskqueue_operator.status_inputs import StatusInputs
from tests.support.kubernetes.raw_objects import raw

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Namespace:
    """The objects of a namespace, and an operator that watches them."""

    def __init__(self) -> None:
        self.table = ObjectTable()
        self.raws: dict[Key, dict[str, Any]] = {}
        self._version = 0

    def apply(self, kind: Kind, name: str, spec: Mapping[str, Any], **more: Any) -> None:
        known = self.raws.get((kind, name))
        self._version += 1
        if known is not None:
            meta = known["metadata"]
            more |= {"uid": meta["uid"], "generation": meta["generation"] + 1, "status": known.get("status")}
        more = {"uid": f"{kind}-{name}-{self._version}", **more}
        self.raws[kind, name] = raw(kind, name, self._version, spec, **more)
        self.table.put(kind, self.raws[kind, name])

    def delete(self, kind: Kind, name: str) -> None:
        self.table.drop(kind, name, self.raws.pop((kind, name))["metadata"]["uid"])

    def desired(self, *, write: bool = True) -> Desired:
        """Decide; then write the statuses of all objects, as a leader does."""
        desired = self.table.desired()
        for obj in list(self.table.objects.values()) if write else ():
            self._version += 1
            meta = self.raws[obj.key]["metadata"] | {"resourceVersion": str(self._version)}
            self.raws[obj.key] |= {"metadata": meta, "status": status_of(obj, self.inputs(desired), NOW)}
            self.table.put(obj.kind, self.raws[obj.key])
        return desired

    def inputs(self, desired: Desired) -> StatusInputs:
        return StatusInputs(
            types=desired.types,
            duplicates=self.table.duplicates(),
            imported=frozenset(),
            handlers=None,
            paused=frozenset(),
            limited=True,
            infeasible="",
            subscriptions={},
            minute=0,
            limits=desired.limits,
            known_limits=self.table.known_limits,
            refused_limits=self.table.refused("RateLimit"),
        )

    def restart(self, order: Sequence[Key] = ()) -> None:
        """Start another operator, which lists the objects."""
        self.table = ObjectTable()
        for key in order or self.raws:
            self.table.put(key[0], self.raws[key])

    def copy(self) -> "Namespace":
        """Return the same objects, and another operator that has decided on them."""
        made = Namespace()
        made.raws = {key: {**known} for key, known in self.raws.items()}
        made._version = self._version
        made.restart()
        made.desired()
        return made

    def object(self, kind: Kind, name: str) -> Object:
        return self.table.objects[kind, name]

    def at_fault(self) -> dict[str, str]:
        return {obj.name: obj.fault for obj in self.table.objects.values() if obj.fault}
