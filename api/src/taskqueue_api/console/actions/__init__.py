"""The actions of editors, one module a noun.

May import `taskqueue.client`, `taskqueue.store`, `taskqueue.models`, `taskqueue.text`, and the action, page, parts and
problems of `taskqueue_api`.
"""

ROUTERS = ()
