"""Jobs in all places, in steps of one or two round trips: a walk that stops anywhere, and goes on later.

First lanes and suspects, then the parked keys, a batch of limits at a time, then leases. Jobs move meanwhile: some may
be missing, and some come twice.
"""

from collections.abc import AsyncIterator, Collection
from enum import IntEnum
from typing import Annotated, NamedTuple

import msgspec

from taskqueue.store.connection import Store
from taskqueue.store.job_places import LEASES, PlacedJob, Selection, scan_parked, scan_place
from taskqueue.store.listing import read_lanes

#: A cursor of the store.
_Cursor = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Stage(IntEnum):
    """A part of the walk."""

    LANES = 0
    PARKED = 1
    LEASES = 2


class Position(msgspec.Struct, array_like=True, frozen=True):
    """A position in the walk.   limits: the batch of parked keys.   cursor: in the place.   last: job at the cursor.

    A place may be a text behind that of any key: the walk goes on with the next one.
    """

    stage: Stage = Stage.LANES
    limits: _Cursor = 0
    place: str = ""
    cursor: _Cursor = 0
    last: str = ""


class Step(NamedTuple):
    """A step of the walk.   job: None at the end of a round trip.   behind: where to go on after it."""

    job: PlacedJob | None
    behind: Position


async def walk_from(
    store: Store, begin: Position, selection: Selection, stages: Collection[Stage]
) -> AsyncIterator[Step]:
    """Yield the selected jobs from a position on, and a step without a job after each round trip."""
    for stage in sorted(stages):
        if stage < begin.stage:
            continue
        at = begin if stage is begin.stage else Position(stage)
        while True:
            following, places = await _places(store, at, selection)
            for place in sorted(places):
                if place >= at.place:
                    begin_at = at if place == at.place else Position(stage, at.limits, place)
                    async for step in _walk_place(store, begin_at, selection):
                        yield step
            if not following:
                break
            at = Position(stage, following)
            yield Step(None, at)


async def _places(store: Store, at: Position, selection: Selection) -> tuple[int, list[str]]:
    """Return the places of a batch, and the cursor of the next batch."""
    if at.stage is Stage.PARKED:
        return await scan_parked(store, at.limits, selection)
    return 0, [LEASES] if at.stage is Stage.LEASES else [*await read_lanes(store), "suspects"]


async def _walk_place(store: Store, at: Position, selection: Selection) -> AsyncIterator[Step]:
    while True:
        following, jobs = await scan_place(store, at.place, at.cursor, selection)
        for job in sorted(jobs, key=lambda one: one.member):
            if job.member > at.last:
                yield Step(job, msgspec.structs.replace(at, last=job.member))
        if not following:
            yield Step(None, Position(at.stage, at.limits, f"{at.place} "))
            return
        at = Position(at.stage, at.limits, at.place, following)
        yield Step(None, at)
