"""Descriptions of answers and bodies for OpenAPI, where FastAPI does not know them."""

from collections.abc import Mapping
from typing import Any

from taskqueue_api.media_type import NDJSON
from taskqueue_api.problems import MEDIA_TYPE

Responses = dict[int | str, dict[str, Any]]


def problem(description: str) -> dict[str, Any]:
    """Return the description of an answer that is a problem."""
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def problems(descriptions: Mapping[int, str]) -> Responses:
    """Return the descriptions of answers that are problems, by status."""
    return {status: problem(description) for status, description in descriptions.items()}


def etag(description: str) -> dict[str, Any]:
    """Return the description of an answer with the header ETag."""
    header = {"description": "Changes with all that a PUT writes.", "schema": {"type": "string"}}
    return {"description": description, "headers": {"ETag": header}}


def lines_body(description: str, example: str) -> dict[str, Any]:
    """Return the description of an operation whose body is NDJSON."""
    schema = {"type": "string", "description": description}
    return {"requestBody": {"required": True, "content": {NDJSON: {"schema": schema, "example": example}}}}
