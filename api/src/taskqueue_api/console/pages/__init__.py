"""The pages, one module each. A page is added here, with its templates NAME.html and NAME_live.html.

    overview  the release as a whole
    limits    all limits
    limit     one limit
    types     all task types
    type      one task type
    users     all users
    user      one user
    jobs      jobs that wait or run
    dead      dead jobs
    workers   the workers
    writes    the newest writes

May import `taskqueue.views`, `taskqueue.store`, `taskqueue.plan`, `taskqueue.models`, and the console, parts and live
part of `taskqueue_api`.
"""

from taskqueue_api.console.pages import (
    dead,
    jobs,
    limit,
    limits,
    overview,
    type,  # noqa: A004
    types,
    user,
    users,
    workers,
    writes,
)

#: Entries of the menu, in their order.
MENU = (
    overview.PAGE,
    limits.PAGE,
    types.PAGE,
    users.PAGE,
    jobs.PAGE,
    dead.PAGE,
    workers.PAGE,
    writes.PAGE,
)
PAGES = (*MENU, limit.PAGE, type.PAGE, user.PAGE)
