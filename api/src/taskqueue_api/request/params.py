"""Params in answers: by default their names alone, as their values may be secret."""

from collections.abc import Mapping
from typing import Any, TypedDict

from pydantic import Field

from taskqueue.views.view import View
from taskqueue_api.settings import ApiSettings


class ParamsFields(TypedDict):
    """The fields of WithParams."""

    param_names: list[str]
    params: dict[str, Any] | None


class WithParams(View):
    """The base of answers with params."""

    param_names: list[str] = Field(description="Names of the params.")
    params: dict[str, Any] | None = Field(
        default=None,
        exclude_if=lambda params: params is None,
        description="The params themselves, if the setting show_params allows it.",
    )


def params_fields(settings: ApiSettings, params: Mapping[str, Any]) -> ParamsFields:
    """Return the fields that show params as the settings allow."""
    return {"param_names": sorted(params), "params": dict(params) if settings.show_params else None}
