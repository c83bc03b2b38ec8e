"""The actions of editors, one module a noun.

    dead    retry or purge a group of dead jobs
    jobs    cancel a job
    limits  override, clear and open a limit
    pauses  pause and resume a task type or a user
    types   run a task type
    users   let a suspended subscription through

May import `taskqueue.views`, `taskqueue.client`, `taskqueue.store`, `taskqueue.models`, `taskqueue.text`, and the
console, parts and problems of `taskqueue_api`.
"""

from taskqueue_api.console.actions import dead, jobs, limits, pauses, types, users

ROUTERS = (limits.router, pauses.router, types.router, users.router, jobs.router, dead.router)
