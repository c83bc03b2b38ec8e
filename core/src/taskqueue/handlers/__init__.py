"""Handlers: the user's code, and what stands between it and the worker.

    job         what a handler is given
    outcomes    what a handler may raise to ask for something else than "done"
    ending      what an exception asks for, read so that nothing in it can harm the worker
    registry    the names a manifest may use, and how modules that register them are loaded
    dispatch    a task type -> the coroutine function the worker calls for each of its jobs
    managed     handlers that say themselves when a job begins: those of threads and HTTP
    threads     the threads in which handlers that are not async run
    http_call   the handler that needs no code (with http_request, http_connection, http_answer,
                references, status, retry_after)
    errors      the one tree of errors this package raises at start-up

May import `taskqueue.models`; never Redis. aiohttp is imported by `http_call` and `http_connection` alone, so that
handlers can be written and tested without it. Nothing here may cost a task, a timer or a thread per job unless the
handler itself needs one: the worker starts tens of thousands of jobs a second.

What users import is re-exported here; `taskqueue.testing` runs handlers in their tests.
"""

from taskqueue.handlers.job import Job
from taskqueue.handlers.outcomes import Discard, RateLimited, RetryLater
from taskqueue.handlers.registry import Registry, handler, on_shutdown

__all__ = ["Discard", "Job", "RateLimited", "Registry", "RetryLater", "handler", "on_shutdown"]
