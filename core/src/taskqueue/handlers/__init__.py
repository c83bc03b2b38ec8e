"""Handlers: user code, and the parts between user code and the worker.

    job                the job as a handler gets it
    outcomes           the exceptions by which a handler asks for an outcome
    verdict            the outcome that an exception asks for, read so that no attribute can harm the worker
    registry           the names a manifest may use; the modules that register them; functions of `@on_shutdown`
    dispatch           a task type -> the coroutine function that the worker calls for each job
    managed            handlers that begin their jobs by themselves: in threads and over HTTP
    threads            the threads of handlers that are not async
    http_call          the handler without code: one HTTP request per job
    http_request       URL, headers and body of the request
    http_connection    the connection, which stands before the job's slot
    http_answer        the status of an answer that the HTTP parser refuses
    status             the outcome of an HTTP status
    retry_after        the header Retry-After
    references         `${env:...}` in header values
    errors             the errors of handlers at start-up, one tree

May import `taskqueue.models`, `taskqueue.text` and `taskqueue.errors`; never Redis. Only `http_call` and
`http_connection` import aiohttp, so that handlers can be written and tested without it. No part may cost a task, a
timer or a thread per job unless the handler needs one: the worker starts tens of thousands of jobs a second.

The names that users import are re-exported here; `taskqueue.testing` runs handlers in their tests.
"""

from taskqueue.handlers.job import Job
from taskqueue.handlers.outcomes import Discard, RateLimited, RetryLater
from taskqueue.handlers.registry import Registry, handler, on_shutdown

__all__ = ["Discard", "Job", "RateLimited", "Registry", "RetryLater", "handler", "on_shutdown"]
