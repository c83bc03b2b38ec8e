"""The path that a request asks for, as a URL has it."""

from fastapi import Request

from taskqueue_api.segments import segment


def asked_path(request: Request) -> str:
    """Return the path of a request, quoted: `request.url` leaves a % of a name as it is, which is another name."""
    return "/".join(segment(one) for one in request.scope["path"].split("/"))
