"""The files below /static: browsers keep them, as their URLs change with their content."""

from typing import Any

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from taskqueue_api.console.rendering import STATIC

_ROOT = "/static"
_A_YEAR = "public, max-age=31536000, immutable"


class Files(StaticFiles):
    """The pinned files, the stylesheet and the script."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def get_path(self, scope: Scope) -> str:
        return super().get_path({**scope, "root_path": _ROOT})

    def file_response(self, *args: Any, **options: Any) -> Response:
        response = super().file_response(*args, **options)
        response.headers["Cache-Control"] = _A_YEAR
        return response


#: Of one method, unlike a mounted app, which takes all.
FILES = Route(f"{_ROOT}/{{path:path}}", Files(), methods=["GET"])
