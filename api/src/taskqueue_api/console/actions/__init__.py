"""The actions of editors, one module a noun.

    limits  override, clear and open a limit
    types   pause, resume and run a task type

May import `taskqueue.views`, `taskqueue.client`, `taskqueue.store`, `taskqueue.models`, `taskqueue.text`, and the
console, parts and problems of `taskqueue_api`.
"""

from taskqueue_api.console.actions import limits, types

ROUTERS = (limits.router, types.router)
