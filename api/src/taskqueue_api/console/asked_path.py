"""The path that a request asks for, as a URL has it."""

from urllib.parse import quote

from fastapi import Request


def asked_path(request: Request) -> str:
    """Return the path of a request, quoted: `request.url` leaves a % of a name as it is, which is another name."""
    return quote(request.scope["path"], safe="/")
