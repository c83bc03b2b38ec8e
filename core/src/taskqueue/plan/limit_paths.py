"""The limits that all jobs of a type share, from the innermost to the outermost: the way of each type to its start.

    type:sync  >  shopify-orders  >  shopify-app  >  global

`type:TYPE` is the type's own rateLimit.perSecond, `global` the release's rate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from taskqueue.models.limit_tree import LimitPath, path_of
from taskqueue.models.values import Limit
from taskqueue.plan.limiter import stretch
from taskqueue.plan.type_demand import TypeDemand

GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """A limit with its rate in slots a second.   outer: the limits around it, the innermost first."""

    name: str
    per_second: float
    burst: int = 1
    outer: tuple[str, ...] = ()

    @property
    def slot_s(self) -> float:
        """Return the time between two starts of cost 1."""
        return stretch(is_within=bool(self.outer)) / self.per_second


@dataclass(frozen=True, slots=True)
class Paths:
    """limits: by name, inner limits first.   by_type: names of a type's limits, the innermost first.

    users: the User limits of a type.   unknown: names of limits that a type needs and that nothing declares.
    Types are named as demands are (`TypeDemand.name`).
    """

    limits: Mapping[str, SharedLimit]
    by_type: Mapping[str, tuple[str, ...]]
    users: Mapping[str, tuple[Limit, ...]]
    unknown: Mapping[str, tuple[str, ...]]


def find_paths(demands: Iterable[TypeDemand], limits: Mapping[str, Limit], rate_per_s: float | None) -> Paths:
    """Return the paths of all types.   rate_per_s: of the global limit; None: there is none."""
    root = () if rate_per_s is None else (SharedLimit(GLOBAL, rate_per_s),)
    found = {limit.name: limit for limit in root}
    by_type: dict[str, tuple[str, ...]] = {}
    declared: dict[str, LimitPath] = {}
    for demand in demands:
        declared[demand.name] = path = path_of(demand.limits, limits)
        own = () if demand.per_second is None else (SharedLimit(f"type:{demand.type}", demand.per_second),)
        named = (SharedLimit(limit.name, limit.per_second, limit.burst) for limit in path.release)
        line = (*own, *named, *root)
        by_type[demand.name] = names = tuple(limit.name for limit in line)
        for position, limit in enumerate(line):
            outer = names[position + 1 :]
            found[limit.name] = SharedLimit(limit.name, limit.per_second, limit.burst, outer)
    return Paths(
        limits={limit.name: limit for limit in sorted(found.values(), key=lambda limit: -len(limit.outer))},
        by_type=by_type,
        users={name: path.users for name, path in declared.items()},
        unknown={name: path.unknown for name, path in declared.items() if path.unknown},
    )
