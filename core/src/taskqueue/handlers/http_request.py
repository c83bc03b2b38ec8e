"""The request of one job of an HTTP handler: URL, headers and body.

Users write params, so these go into the query or a JSON body and never into host, path or headers. Headers and URL are
the task type's, with secrets as references to the environment.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from multidict import CIMultiDict
from yarl import URL

from taskqueue.handlers.errors import BadHttpCall
from taskqueue.handlers.job import Job
from taskqueue.handlers.outcomes import Discard
from taskqueue.handlers.references import expand
from taskqueue.models.values import HttpCall

_IN_QUERY = frozenset({"GET", "HEAD", "DELETE"})
# Set by taskqueue or by the transport: a manifest that sets them would fake a job's identity or break the framing.
_RESERVED = re.compile(
    r"idempotency-key|x-taskqueue-.*|content-length|transfer-encoding|connection", re.IGNORECASE
)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def check(call: HttpCall) -> None:
    """Raise BadHttpCall for a call that cannot be made. No value is named: URLs and headers may hold secrets."""
    try:
        url = URL(call.url)
    except ValueError:
        raise BadHttpCall("url is not a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise BadHttpCall("url must be absolute and begin with http:// or https://")
    for name in call.headers:
        if _TOKEN.fullmatch(name) is None:
            raise BadHttpCall(f"{name!r} cannot be the name of a header")
        if _RESERVED.fullmatch(name):
            raise BadHttpCall(f"header {name} is set by taskqueue itself; leave it out")
    if "Authorization" in _expanded(call) and (url.raw_user or url.raw_password):
        raise BadHttpCall("the url holds credentials and so does the header Authorization; keep the header")


def target(call: HttpCall, params: Mapping[str, Any]) -> tuple[URL, bytes | None]:
    """Return URL and body. Raises Discard if a param has the name of a parameter in the type's URL."""
    url = URL(call.url)
    if call.method not in _IN_QUERY:
        return url, msgspec.json.encode(dict(params))
    if not url.query.keys().isdisjoint(params):
        raise Discard("a param has the name of a query parameter that the task type's URL already has")
    return url.extend_query([pair for name, value in params.items() for pair in _pairs(name, value)]), None


def headers(call: HttpCall, job: Job) -> CIMultiDict[str]:
    """Return the task type's headers with references replaced, and the headers of the job's identity."""
    sent = _expanded(call)
    if call.method not in _IN_QUERY:
        sent.setdefault("Content-Type", "application/json")
    sent["Idempotency-Key"] = job.idempotency_key
    sent["X-Taskqueue-Type"] = job.type
    sent["X-Taskqueue-User"] = job.user
    sent["X-Taskqueue-Attempt"] = str(job.attempt)
    if job.occurrence is not None:
        sent["X-Taskqueue-Occurrence"] = str(job.occurrence)
    return sent


def _expanded(call: HttpCall) -> CIMultiDict[str]:
    return CIMultiDict({name: expand(name, value, os.environ) for name, value in call.headers.items()})


def _pairs(name: str, value: Any) -> list[tuple[str, str]]:
    """Write one param for a query: a list repeats the name, null is left out, an object becomes JSON."""
    items = value if isinstance(value, list | tuple) else (value,)
    return [(name, _text(item)) for item in items if item is not None]


def _text(item: Any) -> str:
    return item if isinstance(item, str) else msgspec.json.encode(item).decode()
