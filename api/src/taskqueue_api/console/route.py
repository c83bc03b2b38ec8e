"""The class of all routes of the console, whose errors are pages."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from taskqueue.errors import TaskqueueError
from taskqueue.models.part import Part, describe
from taskqueue_api.console.problem_page import answer_page
from taskqueue_api.problems import ProblemError, invalid, problem_of


class PageRoute(APIRoute):
    """A route of the console."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return answer_page(request, _invalid(error))
            except (ProblemError, TaskqueueError, HTTPException) as error:
                return answer_page(request, problem_of(error))

        return handled


def _invalid(error: RequestValidationError) -> ProblemError:
    return invalid(describe([one | {"loc": one["loc"][1:]} for one in error.errors()], Part))


def new_router() -> APIRouter:
    """Return a router whose errors are answered with pages."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)
