"""retention: eviction by the server, its allocator, and keys that are missing."""

from dataclasses import dataclass

from taskqueue.store.connection import Store
from taskqueue.store.errors import decoded
from taskqueue.store.script import Script
from taskqueue.store.wire import shaped

#: Users whose keys one call looks at.
_SAMPLE = 20
#: The one policy under which a full server refuses writes instead of forgetting keys.
NO_EVICTION = "noeviction"

_RETENTION = Script("retention", shaped(tuple[bytes, int, int, int, list[bytes], bytes]))


@dataclass(frozen=True, slots=True)
class Retention:
    """The state of the server.

    policy: its maxmemory-policy, empty if unknown. evicted: keys of all databases since the server started.
    types: their number at that version. missing: names of keys of the release that must exist. allocator: what the
    server was built with (`mem_allocator`), empty if unknown.
    """

    policy: str
    evicted: int
    version: int
    types: int
    missing: tuple[str, ...]
    allocator: str

    @property
    def may_evict(self) -> bool:
        return self.policy not in {"", NO_EVICTION}


async def read_retention(store: Store) -> Retention:
    """Read the eviction policy and count and the allocator, and look for the keys of a sample of users."""
    policy, evicted, version, types, missing, allocator = await store.run(_RETENTION, _SAMPLE)
    names = tuple(name.decode(errors="replace") for name in missing)
    return Retention(
        decoded(bytes.decode, policy, "maxmemory_policy"),
        evicted,
        version,
        types,
        names,
        allocator.decode(errors="replace"),
    )
