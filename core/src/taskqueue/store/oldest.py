"""The oldest job of each type that waits or runs, found in many short calls while jobs move."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import msgspec

from taskqueue.store.command import zscan
from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import pack, pairs

#: Members that one call reads, and keys that it is given: about a millisecond of the server's time.
_MEMBERS, _KEYS = 1_000, 100

_Value = TypeVar("_Value")
_Numbers = list[bytes | int]


def _shape(answer: Any, shape: type[_Value]) -> _Value | None:
    """Read an answer of this shape; None for [], the answer of both scripts to a search that failed."""
    return None if answer == [] else msgspec.convert(answer, shape)


#: Instants that come from keys are text.
_SCAN_MOVES = Script(
    "scan_moves", partial(_shape, shape=tuple[int, bytes | int, bytes | int, _Numbers, list[bytes]])
)
_SCAN_JOBS = Script("scan_jobs", partial(_shape, shape=tuple[int, bytes, _Numbers]))


@dataclass(frozen=True, slots=True)
class Oldest:
    """The oldest due (epoch ms) by type, of scheduled jobs that waited or ran throughout the search.

    installed_ms, cursor_ms: of the store, when the search began. Jobs that became due since are later than that cursor.
    """

    installed_ms: int
    cursor_ms: int
    due_ms: Mapping[str, int]


async def find_oldest(store: Store, types: Collection[str]) -> Oldest | None:
    """Find the oldest job of each of `types`; None if the search failed, as where the store was emptied meanwhile.

    No job is missed that is there from begin to end: lanes and limits are read first, then leased jobs, and the scripts
    note each leased job that goes back to a lane or a limit.
    """
    began = await _edge(store, 0)
    if began is None or not began.installed_ms or not began.cursor_ms:
        return None
    named, oldest = pack(list(types)), dict[str, int]()
    lanes = [f"ready:{lane}" for lane in began.lanes]
    whole = await _scan(store, began.now_ms, named, lanes, oldest)
    async for rows in store.scan(zscan(store.keys("limits_free_at"), _MEMBERS)):
        limits = [f"parked:{limit.decode(errors='replace')}" for limit, _ in rows]
        whole = whole and await _scan(store, began.now_ms, named, limits, oldest)
    whole = whole and await _scan(store, began.now_ms, named, ["leases"], oldest)
    ended = await _edge(store, began.now_ms)
    if not whole or ended is None or ended.installed_ms != began.installed_ms:
        return None
    for name in types:
        _keep(oldest, name, ended.moved.get(name))
    return Oldest(began.installed_ms, began.cursor_ms, oldest)


@dataclass(frozen=True, slots=True)
class _Edge:
    now_ms: int
    installed_ms: int
    cursor_ms: int
    moved: Mapping[str, int]
    lanes: Sequence[str]


async def _edge(store: Store, began_ms: int) -> _Edge | None:
    answer = await store.run(_SCAN_MOVES, began_ms)
    if answer is None:
        return None
    now_ms, installed, cursor, moved, lanes = answer
    return _Edge(
        now_ms,
        int(installed),
        int(cursor),
        _by_type(moved),
        [lane.decode(errors="replace") for lane in lanes],
    )


async def _scan(
    store: Store, began_ms: int, types: bytes, keys: Sequence[str], oldest: dict[str, int]
) -> bool:
    """Read the jobs in `keys`; return False if the search failed."""
    at, first = b"0", 0
    while first < len(keys):
        some = pack(keys[first : first + _KEYS])
        answer = await store.run(_SCAN_JOBS, began_ms, types, some, at, _MEMBERS)
        if answer is None:
            return False
        done, at, found = answer
        first += done
        for name, due_ms in _by_type(found).items():
            _keep(oldest, name, due_ms)
    return True


def _by_type(flat: Sequence[bytes | int]) -> dict[str, int]:
    return {name.decode(errors="replace"): int(due) for name, due in pairs(flat) if isinstance(name, bytes)}


def _keep(oldest: dict[str, int], name: str, due_ms: int | None) -> None:
    if due_ms is not None:
        oldest[name] = min(due_ms, oldest.get(name, due_ms))
