"""tick: emits due jobs and moves the cursor, in one step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from taskqueue.plan.lanes import lane_of
from taskqueue.plan.segment import DueRange
from taskqueue.store.connection import Store
from taskqueue.store.script import Script
from taskqueue.store.wire import pack, pairs, shaped

_TICK = Script("tick", shaped(tuple[bytes, int, int, int, list[bytes], bytes]))


class TickVerdict(StrEnum):
    """The result of a tick. Every verdict but OK leaves the store unchanged."""

    OK = "ok"
    LOST = "lost"
    MOVED = "moved"
    TYPES = "types"
    AHEAD = "ahead"
    FULL = "full"
    BIG = "big"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Tick:
    """cursor_ms: the cursor after the call (-1: lost). now_ms: the server's clock. emitted: number of jobs.

    behind: the types that are behind the cursor, as too many jobs wait in their queue, and the instants up to which
    their jobs were emitted (epoch ms).
    change_ms: the next instant at which subscriptions change their interval, and at which a step must end; None: none.
    """

    verdict: TickVerdict
    cursor_ms: int
    now_ms: int
    emitted: int
    behind: Mapping[str, int]
    change_ms: int | None = None


async def tick(
    store: Store,
    expected_ms: int,
    target_ms: int,
    version: int,
    ranges: Sequence[DueRange],
    *,
    variants: int = 0,
    most: int = 1_000,
    max_backlog: int = 100_000,
    late: Sequence[str] = (),
) -> Tick:
    """Move the cursor from expected_ms to target_ms and emit `ranges`, if cursor and types did not move meanwhile.

    variants: the number of variants that `ranges` were made from.
    max_backlog: types of a queue in which as many jobs wait emit nothing, and fall behind.
    late: types that are behind, at expected_ms: move these instead, and emit jobs of theirs alone.
    """
    args = (
        expected_ms,
        target_ms,
        version,
        most,
        max_backlog,
        pack(_rows(ranges)),
        pack(list(late)),
        variants,
    )
    verdict, cursor_ms, now_ms, emitted, behind, change = await store.run(_TICK, *args)
    change_ms = int(change) if change != b"-1" else None
    return Tick(TickVerdict(verdict.decode()), cursor_ms, now_ms, emitted, read_behind(behind), change_ms)


def _rows(ranges: Sequence[DueRange]) -> list[tuple[Any, ...]]:
    """Return ranges as the script reads them: a row for all types and variants that share offsets and deadline."""
    rows: dict[tuple[Any, ...], dict[tuple[str, int], list[int]]] = {}
    for one in ranges:
        rows.setdefault(one[2:-1], {}).setdefault(one[:2], []).append(one.variant)
    return [
        (
            *(offset_lo_ms, offset_hi_ms, occurrence_s, life_ms, lane_of(priority, overdue=overdue)),
            *(("missed", missed) if missed else ("excluded", excluded)),
            [(*of_type, variants) for of_type, variants in types.items()],
        )
        for (
            offset_lo_ms,
            offset_hi_ms,
            occurrence_s,
            life_ms,
            priority,
            overdue,
            missed,
            excluded,
        ), types in rows.items()
    ]


def read_behind(rows: list[bytes]) -> dict[str, int]:
    """Read the types that are behind the cursor; the next tick removes values that cannot be read."""
    return {name.decode("ascii", "replace"): int(value) for name, value in pairs(rows) if value.isdigit()}
