"""All users, a page at a time, and the search for one."""

from collections.abc import Mapping
from typing import Any

from taskqueue.models.identity import check_user_id
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.lookup import find_stored_users
from taskqueue.views.users import list_users
from taskqueue_api.console.page import Page, Visit

#: Users of one page.
_MOST = 50


async def _read(visit: Visit) -> Mapping[str, Any]:
    store, wanted = visit.parts.store, visit.values.get("q", "").strip()
    if wanted:
        return {"q": wanted, "is_known": await _is_known(visit, wanted), "rows": [], "after": ""}
    page = await list_users(store, _MOST, visit.values.get("after", ""))
    return {"q": "", "is_known": False, "rows": page.users, "after": page.after}


async def _is_known(visit: Visit, user: str) -> bool:
    try:
        (found,) = await find_stored_users(visit.parts.store, [check_user_id(user)])
    except ValueRefusedError:
        return False
    return found is not None


PAGE = Page(name="users", path="/users", menu="Users", read=_read, query=("q", "after"), is_live=False)
