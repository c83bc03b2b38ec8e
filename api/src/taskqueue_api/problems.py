"""Errors as problem+json (RFC 9457): a title, a detail, and the field at fault. No name of a class gets out."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import islice

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from taskqueue.errors import TaskqueueError
from taskqueue.models.refusal import ManifestRefusedError, Refusal, ValueRefusedError, must_be
from taskqueue.store.errors import (
    LockedParamsError,
    LoginRefused,
    PreconditionFailedError,
    RightMissing,
    StoreCorrupt,
    StoreFailure,
    StoreFull,
    StoreRefused,
    TooManySubscriptionsError,
    UnknownTypeError,
    UnknownUserError,
    UserOwnedError,
)
from taskqueue.text.printable import printable_line
from taskqueue.views.errors import ViewError

MEDIA_TYPE = "application/problem+json"
#: Characters of a method that a problem repeats.
_MAX_METHOD = 20
#: Sentences of one problem about different fields.
_MAX_SENTENCES = 10
#: Seconds after which a request to a store that fails may be repeated.
_RETRY_AFTER_S = 2
#: Details of errors that Starlette raises in words of its own.
_UNROUTED: Mapping[int, str] = {
    400: "the body must be a form, application/x-www-form-urlencoded, of a few fields and no file",
}
#: The remedy for a login that may not write.
_FOR_READERS = "A login that may only read is enough with the setting read_only"
#: Status and title of each error; the first class that fits counts.
_ANSWERS: Mapping[type[TaskqueueError], tuple[int, str]] = {
    ValueRefusedError: (422, "Invalid request"),
    LockedParamsError: (422, "Params are locked"),
    TooManySubscriptionsError: (422, "Too many subscriptions"),
    UnknownTypeError: (404, "Unknown task type"),
    UnknownUserError: (404, "Unknown user"),
    ViewError: (404, "Not found"),
    PreconditionFailedError: (412, "Precondition failed"),
    UserOwnedError: (409, "User of another source"),
    LoginRefused: (503, "Store refuses the login"),
    RightMissing: (503, "Login of the store lacks a right"),
    StoreFull: (503, "Store is full"),
    StoreRefused: (503, "Store refuses"),
    StoreCorrupt: (503, "Store holds an unreadable record"),
    StoreFailure: (503, "Store does not answer"),
    TaskqueueError: (409, "Refused"),
}


class Problem(BaseModel):
    """An error."""

    type: str = Field(default="about:blank", description="Always about:blank: the status says it all.")
    title: str = Field(description="The kind of the problem.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="The fault of this request, and its remedy.")
    field: str | None = Field(
        default=None, description="The part of the request at fault, such as tasks[0].interval."
    )


class ProblemError(Exception):
    """A request is refused. Becomes the answer of its route.   headers: further headers of the answer."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        field: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(status=status, title=title, detail=detail, field=field)
        self.headers = headers


def invalid(refusals: Iterable[Refusal]) -> ProblemError:
    """Return the problem of a request that is refused for these reasons."""
    listed = list(islice(refusals, _MAX_SENTENCES))
    fields = [_field(refusal) for refusal in listed]
    sentences = (f"{field}: {one.message}" for field, one in zip(fields, listed, strict=True))
    return ProblemError(422, "Invalid request", "; ".join(sentences), fields[0])


def invalid_field(field: str, message: str) -> ProblemError:
    """Return the problem of a request with one wrong field, parameter or header."""
    return invalid([Refusal((field,), message)])


def wrong_media_type(right: str, given: str) -> ProblemError:
    """Return the problem of a body of another media type.   right: the types that are taken, in words."""
    return ProblemError(415, "Wrong media type", f"Content-Type {must_be(right, given)}", "Content-Type")


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer of a problem."""
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


def handle_errors(app: FastAPI) -> None:
    """Answer the errors of all routes with problems."""
    for one in (ProblemError, TaskqueueError, HTTPException):
        app.add_exception_handler(one, _answered)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _broken)


def problem_of(error: Exception) -> ProblemError:
    """Return the problem of an error that `handle_errors` answers."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, ManifestRefusedError):
        return invalid(error.refusals)
    if isinstance(error, HTTPException):
        title = HTTPStatus(error.status_code).phrase
        detail = _UNROUTED.get(error.status_code, str(error.detail))
        return ProblemError(error.status_code, title, detail, headers=error.headers)
    status, title = next(found for one, found in _ANSWERS.items() if isinstance(error, one))
    headers = {"Retry-After": str(_RETRY_AFTER_S)} if isinstance(error, StoreFailure) else None
    detail = (
        f"{str(error).removesuffix('.')}. {_FOR_READERS}" if isinstance(error, RightMissing) else str(error)
    )
    return ProblemError(status, title, detail, headers=headers)


def _answered(request: Request, error: Exception) -> Response:
    found = problem_of(error)
    if found.problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        found = _wrong_method(request)
    return answer(found.problem, found.headers)


def _wrong_method(request: Request) -> ProblemError:
    """Return the problem of a method that a path does not have; each method of a path has a route of its own.

    The guard answers HEAD as GET.
    """
    scopes = [{**request.scope, "method": method} for method in ("DELETE", "GET", "POST", "PUT")]
    routes = request.app.routes
    found = [one["method"] for one in scopes if any(route.matches(one)[0] is Match.FULL for route in routes)]
    allowed = ", ".join(found).replace("GET", "GET, HEAD")
    detail = f"the method must be one of {allowed} (was {printable_line(request.method, _MAX_METHOD)})"
    return ProblemError(405, "Method not allowed", detail, headers={"Allow": allowed})


def _gone(_: Request, _error: Exception) -> Response:
    """Return an answer that nobody reads: the caller has closed the connection."""
    return Response(status_code=400)


def _broken(_: Request, _error: Exception) -> Response:
    """Return the answer of a bug; the server logs the error."""
    return answer(
        Problem(status=500, title="Internal error", detail="this is a bug: the log has the traceback")
    )


def _field(refusal: Refusal) -> str:
    return refusal.field if refusal.path else "body"
