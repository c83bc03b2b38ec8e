"""The data of charts, as JSON for the script of the console."""

from typing import Any

from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.views.errors import UnknownLimitError
from taskqueue_api.console.plan_curve import STEP_S, read_curve
from taskqueue_api.console.route import new_router
from taskqueue_api.parts import UsedParts
from taskqueue_api.sign_in.authentication import Viewer

router = new_router()


@router.get("/charts/limit")
async def limit_chart(parts: UsedParts, _: Viewer, limit: str = GLOBAL_LIMIT) -> dict[str, Any]:
    """Return the starts per second of a limit, planned and actual, a value a minute."""
    snapshot = await parts.reader.newest()
    if limit != GLOBAL_LIMIT and limit not in snapshot.catalog.limits:
        raise UnknownLimitError(limit)
    curve = await read_curve(parts, snapshot, limit)
    # Before the store was installed there was nothing to start, which is no outage.
    unknown = min(len(curve.actual), max(0, snapshot.catalog.installed_ms // 1000 - curve.from_s) // STEP_S)
    return {
        "from": curve.from_s,
        "step": STEP_S,
        "now": snapshot.taken_ms / 1000,
        "limit": curve.per_second,
        "planned": curve.planned,
        "actual": [None] * unknown + list(curve.actual[unknown:]),
    }
