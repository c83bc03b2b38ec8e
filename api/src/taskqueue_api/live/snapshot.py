"""The values of one instant that pages show live."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """taken_ms: the store's clock.   lanes: waiting jobs by lane.   totals: counters of the audit."""

    taken_ms: int
    totals: Mapping[str, int]
