"""GET /v1/openapi.json: the description of the API."""

from typing import Any

from fastapi import APIRouter, Request

from taskqueue_api.sign_in.sessions import Viewer

router = APIRouter(prefix="/v1", tags=["openapi"])


@router.get("/openapi.json", include_in_schema=False)
def openapi(request: Request, _: Viewer) -> dict[str, Any]:
    """Return the description of the API, OpenAPI 3.1."""
    described: dict[str, Any] = request.app.openapi()
    return described
