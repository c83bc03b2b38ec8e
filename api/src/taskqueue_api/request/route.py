"""The class of all routes of the API: it refuses unknown parameters, and reads the body, before a route runs."""

from collections.abc import Callable, Collection, Coroutine
from difflib import get_close_matches
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute, APIRouter

from taskqueue.models.part import Part, describe
from taskqueue.models.refusal import Refusal, excerpt
from taskqueue_api.problems import ProblemError, invalid, invalid_field
from taskqueue_api.request.json_body import decode_body

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRoute(APIRoute):
    """A route that refuses unknown parameters and fields, with a sentence for each."""

    def get_route_handler(self) -> Answer:
        """Return the function that answers a request."""
        answer = super().get_route_handler()
        parameters = get_flat_params(self.dependant)
        known = [one.alias for one in parameters if isinstance(one.field_info, Query)]

        async def strictly(request: Request) -> Response:
            _refuse_unknown(request, known)
            decoded = _Decoded(request.scope, request.receive)
            if self.body_field:
                decoded.value = await decode_body(request)
                if decoded.value is None and self.body_field.field_info.is_required():
                    raise invalid([Refusal((), "add a body of JSON: it is required")])
            try:
                return await answer(decoded)
            except RequestValidationError as error:
                raise self._refused(error) from None

        return strictly

    def _refused(self, error: RequestValidationError) -> ProblemError:
        """Return the problem of wrong parameters, or of a wrong body."""
        part = self.body_field.field_info.annotation if self.body_field else None
        root = part if isinstance(part, type) and issubclass(part, Part) else Part
        return invalid(describe([one | {"loc": one["loc"][1:]} for one in error.errors()], root))


class _Decoded(Request):
    """A request whose body is decoded. value: None for an absent body."""

    value: Any = None

    async def body(self) -> bytes:
        """Return some bytes for a body that is there: its value is asked for next."""
        return b"" if self.value is None else b"{}"

    async def json(self) -> Any:
        """Return the value of the body."""
        return self.value


def _refuse_unknown(request: Request, known: Collection[str]) -> None:
    """Raise ProblemError for a query parameter that the route does not have, or that is given twice."""
    for name in request.query_params:
        if name not in known:
            near = get_close_matches(name[:64], known, n=1)
            rule = f'must be "{near[0]}"' if near else f"must be one of {', '.join(known)}"
            message = f"unknown parameter: {rule if known else 'this route has none'}"
            raise invalid_field(excerpt(name), message)
        if len(request.query_params.getlist(name)) > 1:
            raise invalid_field(name, "must be given once")


def new_router(noun: str, route_class: type[StrictRoute] = StrictRoute) -> APIRouter:
    """Return the router of the routes below /v1/NOUN."""
    return APIRouter(
        prefix=f"/v1/{noun}",
        tags=[noun],
        route_class=route_class,
        generate_unique_id_function=lambda route: route.name,
    )
