"""One user: the day of each subscription, planned and done, why a job waits, and the limits that are closed."""

from collections.abc import Mapping
from typing import Any

from taskqueue.models.values import LimitKey
from taskqueue.store.limits import read_closed_for
from taskqueue.views.reasons import USER_PAUSED
from taskqueue.views.user_detail import read_user_detail
from taskqueue.views.user_history import plan_runs
from taskqueue.views.why_waiting import find_obstacles, group_obstacles
from taskqueue_api.console.page import Page, Visit
from taskqueue_api.console.user_day import MAX_RUNS, REACH_MIN, cut_of, missed_of, strips_of, ticks_of

#: Seconds for which the details and the day are kept.
_DETAIL_S, _DAY_S = 2.0, 10.0
#: Jobs of the page; the page of jobs has all.
_MAX_JOBS = 20


async def _read(visit: Visit) -> Mapping[str, Any]:
    store, readings, user = visit.parts.store, visit.parts.reader.readings, visit.values["name"]
    catalog = visit.snapshot.catalog
    detail = await readings.get(("user", user), lambda: read_user_detail(store, user), _DETAIL_S)
    day = await readings.get(("user day", user), lambda: plan_runs(store, detail, catalog, MAX_RUNS), _DAY_S)
    strips = strips_of(day, catalog.installed_ms)
    names = sorted(one.name for one in catalog.limits.values() if one.key is LimitKey.USER)
    closed = await readings.get(("user closed", user), lambda: read_closed_for(store, user, names), _DETAIL_S)
    return {
        "detail": detail,
        "obstacles": group_obstacles(one for one in find_obstacles(detail) if one.why != USER_PAUSED),
        "user_paused": USER_PAUSED,
        "jobs": detail.jobs[:_MAX_JOBS],
        "strips": strips,
        "ticks": ticks_of(day, detail.time_zone),
        "missed": missed_of(strips),
        "reach_min": REACH_MIN,
        "cut": cut_of(day),
        "without_runs": day.without_runs,
        "closed": closed,
    }


PAGE = Page(name="user", path="/users/{name}", menu="Users", read=_read)
