"""Jobs that wait or run, a page at a time, of a type, of a user, or in a state."""

from collections.abc import Mapping
from typing import Any

from taskqueue.views.job_pages import JobPage, JobState, list_job_page
from taskqueue_api.console.page import Page, Visit

#: Jobs of one page, and the seconds for which it is kept.
_MOST, _JOBS_S = 100, 2.0
_STATES: Mapping[str, JobState] = {"waiting": "waiting", "running": "running"}


async def _read(visit: Visit) -> Mapping[str, Any]:
    values = visit.values
    chosen = {name: values.get(name, "").strip() for name in ("type", "user", "state")}
    key = ("jobs", *chosen.values(), values.get("after", ""))
    page = await visit.parts.reader.readings.get(key, lambda: _list(visit, chosen), _JOBS_S)
    return {"chosen": chosen, "rows": page.jobs, "after": page.after}


async def _list(visit: Visit, chosen: Mapping[str, str]) -> JobPage:
    return await list_job_page(
        visit.parts.store,
        _MOST,
        visit.values.get("after", ""),
        task_type=chosen["type"] or None,
        user=chosen["user"] or None,
        state=_STATES.get(chosen["state"]),
    )


PAGE = Page(name="jobs", path="/jobs", menu="Jobs", read=_read, query=("type", "user", "state", "after"))
