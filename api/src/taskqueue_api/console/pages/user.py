"""One user: the day of each subscription, planned and done, and why a job waits."""

from collections.abc import Mapping
from typing import Any

from taskqueue.views.user_detail import read_user_detail
from taskqueue.views.why_waiting import find_obstacles
from taskqueue_api.console.page import Page, Visit

#: Seconds for which the details are kept.
_DETAIL_S = 2.0


async def _read(visit: Visit) -> Mapping[str, Any]:
    parts, user = visit.parts, visit.values["name"]
    detail = await parts.reader.readings.get(
        ("user", user), lambda: read_user_detail(parts.store, user), _DETAIL_S
    )
    return {"detail": detail, "obstacles": find_obstacles(detail)}


PAGE = Page(name="user", path="/users/{name}", menu="Users", read=_read)
