"""Media types of requests."""

from starlette.datastructures import Headers

JSON, NDJSON = "application/json", "application/x-ndjson"
FORM = "application/x-www-form-urlencoded"


def media_type(headers: Headers) -> str:
    """Return the media type of a body without its parameters, in lower case; empty without one."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
