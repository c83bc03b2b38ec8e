"""/v1/plan: the plan of a day, against its limits."""

from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import Query

from taskqueue.views.plan import FIRST_DAY, LAST_DAY, PlanDay
from taskqueue_api.parts import UsedParts
from taskqueue_api.request.route import new_router

router = new_router("plan")


@router.get("")
async def read_plan(
    parts: UsedParts,
    day: Annotated[
        date | None,
        Query(ge=FIRST_DAY, le=LAST_DAY, description="Day in UTC, such as 2026-11-24; by default today."),
    ] = None,
) -> PlanDay:
    """Plan a day: the starts of each minute, in all and at each limit, and the demand of each type.

    Paused and suspended types are left out.
    """
    begin = datetime.combine(day or datetime.now(UTC).date(), time(), UTC)
    return await parts.reader.plans.read(int(begin.timestamp()))
