"""Errors as problem+json (RFC 9457): a type, a title, a detail, and the field at fault."""

from collections.abc import Mapping
from typing import Any

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

MEDIA_TYPE = "application/problem+json"
#: The status of each error; the first class that fits counts.
_STATUS: Mapping[type[TaskqueueError], int] = {
    ValueRefusedError: 422,
    UnknownTypeError: 404,
    UnknownUserError: 404,
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


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer of a problem."""
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


def handle_errors(app: FastAPI) -> None:
    """Answer the errors of all routes with problems."""
    app.add_exception_handler(ProblemError, _refused)
    app.add_exception_handler(TaskqueueError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _other)


def _refused(_: Request, error: Any) -> Response:
    return answer(error.problem, error.headers)


def _failed(_: Request, error: Any) -> Response:
    status = next(status for one, status in _STATUS.items() if isinstance(error, one))
    title = "Store does not answer" if isinstance(error, StoreFailure) else "Refused"
    return answer(Problem(status=status, title=title, detail=str(error)))


def _invalid(_: Request, error: Any) -> Response:
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"][1:]) or str(found["loc"][0])
    return answer(
        Problem(status=422, title="Invalid request", detail=f"{place}: {found['msg']}", field=place)
    )


def _other(_: Request, error: Any) -> Response:
    problem = Problem(status=error.status_code, title=str(error.detail), detail=str(error.detail))
    return answer(problem, error.headers)
