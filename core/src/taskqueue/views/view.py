"""The base of all views, and the type of their instants."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

from taskqueue.views.instant import written

Instant = Annotated[
    datetime,
    PlainSerializer(written, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class View(BaseModel):
    """A model of a part of the store: frozen, with camelCase names in JSON."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True
    )

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Return the names of the fields in JSON, in their order."""
        return tuple(str(field.alias) for field in cls.model_fields.values())

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return self.model_dump(mode="json")
