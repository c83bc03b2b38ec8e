"""GET /v1/openapi.json: the description of the API, OpenAPI 3.1."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi

from taskqueue_api.guard import SAFE_METHODS
from taskqueue_api.problems import Problem
from taskqueue_api.request.description import problem
from taskqueue_api.request.route import StrictRoute

router = APIRouter(prefix="/v1", route_class=StrictRoute)

_SUMMARY = "The state of a taskqueue release, and its control"
_DESCRIPTION = (
    "Reads need the role viewer, writes the role editor. Every error is a problem (RFC 9457) that names the field at "
    "fault. Unknown fields and unknown parameters are refused. Instants are UTC."
)
_SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of the credentials folder."},
    "session": {"type": "apiKey", "in": "cookie", "name": "taskqueue", "description": "Of the console."},
    "proxy": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Proxy-Secret",
        "description": "Of an authenticating proxy, which names its user in further headers.",
    },
}
#: Problems that every operation may answer, that writes may, and operations with a body.
_ALL = {
    400: "A header of the proxy comes twice.",
    401: "The caller is not signed in.",
    403: "The request comes from a page of another origin.",
    421: "The request names a host that this process does not answer for.",
    422: "A parameter or a field is wrong; `field` names it.",
    429: "The caller gave too many wrong tokens.",
    503: "The store does not answer, or refuses; or too many requests come at once. Repeat the request.",
}
_WRITES = {403: "The caller may not write."}
_BODIES = {
    400: "The body is malformed, or a header of the proxy comes twice.",
    408: "The body does not arrive in time.",
    413: "The body is too large.",
    415: "The body is of another media type.",
}
_NAMED = {404: "There is nothing of this name."}


@router.get("/openapi.json", include_in_schema=False)
async def read_openapi(request: Request) -> dict[str, Any]:
    """Return the description of the API."""
    described: dict[str, Any] = request.app.openapi()
    return described


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of an app's routes."""
    described = get_openapi(
        title=app.title, version=app.version, summary=_SUMMARY, description=_DESCRIPTION, routes=app.routes
    )
    schemas = described["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    described["components"]["securitySchemes"] = _SECURITY
    described["security"] = [{name: []} for name in _SECURITY]
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            _complete(operation, path, method.upper())
    return described


def _complete(operation: dict[str, Any], path: str, method: str) -> None:
    """Split the docstring of an operation, and add the problems that it may answer."""
    operation["summary"], _, rest = operation["description"].partition("\n\n")
    operation["description"] = rest or operation["summary"]
    general = dict(_ALL)
    if method not in SAFE_METHODS:
        general |= _WRITES
    if "requestBody" in operation:
        general |= _BODIES
    if "{" in path:
        general |= _NAMED
    own = operation["responses"]
    own.pop("422", None)
    for status, description in general.items():
        own.setdefault(str(status), problem(description))
    operation["responses"] = dict(sorted(own.items()))
