"""All routes of the app, whoever added them."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from taskqueue_api.application import new_app

APP = new_app(cast("Any", SimpleNamespace(reader=None)))


def all_routes() -> Iterator[tuple[str, str]]:
    """Yield the method and the path of each route, with parameters in braces; of a folder of files one that is not."""
    for context in iter_route_contexts(APP.routes):
        if isinstance(context.original_route, Mount):
            yield "GET", f"{context.path}/none.js"
        else:
            assert isinstance(context.original_route, APIRoute), context
            for method in context.methods or ():
                yield method, str(context.path)
