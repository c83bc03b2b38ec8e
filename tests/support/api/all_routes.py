"""All routes of the app, whoever added them."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from fastapi.routing import iter_route_contexts
from starlette.routing import Route

from taskqueue_api.application import new_app

APP = new_app(cast("Any", SimpleNamespace(reader=None)))


def all_routes() -> Iterator[tuple[str, str]]:
    """Yield the method and the path of each route, with parameters in braces."""
    for context in iter_route_contexts(APP.routes):
        assert isinstance(context.original_route, Route), context
        for method in sorted({*(context.methods or ())} - {"HEAD"}):
            yield method, str(context.path)
