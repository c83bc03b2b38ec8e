"""Errors as problem+json (RFC 9457): a type, a title, a detail, and the field at fault."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from taskqueue.errors import TaskqueueError
from taskqueue.models.refusal import ValueRefusedError
from taskqueue.store.errors import (
    LockedParamsError,
    StoreFailure,
    UnknownTypeError,
    UnknownUserError,
    UserOwnedError,
)
from taskqueue.views.errors import ViewError

MEDIA_TYPE = "application/problem+json"
#: The status of each error; the first class that fits counts.
_STATUS: Mapping[type[TaskqueueError], int] = {
    ValueRefusedError: 422,
    UnknownTypeError: 404,
    UnknownUserError: 404,
    ViewError: 404,
    UserOwnedError: 409,
    LockedParamsError: 422,
    StoreFailure: 503,
    TaskqueueError: 409,
}


class Problem(BaseModel):
    """An error. field: the part of the request at fault, where there is one."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None


class ProblemError(Exception):
    """A request is refused. Becomes the answer of its route."""

    def __init__(self, status: int, title: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.problem = Problem(status=status, title=title, detail=detail, field=field)


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer of a problem."""
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


def handle_errors(app: FastAPI) -> None:
    """Answer the errors of all routes with problems."""
    for one in (ProblemError, TaskqueueError, RequestValidationError, HTTPException):
        app.add_exception_handler(one, _answered)


def problem_of(error: Exception) -> Problem:
    """Return the problem of an error that `handle_errors` answers."""
    if isinstance(error, ProblemError):
        return error.problem
    if isinstance(error, RequestValidationError):
        found = error.errors()[0]
        place = ".".join(str(part) for part in found["loc"][1:]) or str(found["loc"][0])
        return Problem(status=422, title="Invalid request", detail=f"{place}: {found['msg']}", field=place)
    if isinstance(error, HTTPException):
        return Problem(status=error.status_code, title=str(error.detail), detail=str(error.detail))
    status = next(status for one, status in _STATUS.items() if isinstance(error, one))
    title = {404: "Not found", 503: "Store does not answer"}.get(status, "Refused")
    return Problem(status=status, title=title, detail=str(error))


def _answered(_: Request, error: Exception) -> Response:
    return answer(problem_of(error), getattr(error, "headers", None))
