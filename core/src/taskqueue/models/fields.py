"""Field types that manifests share, each with its check and its schema for the CRD.

Checks replace pydantic's `pattern`, so that people read a sentence and not a regular expression.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from taskqueue.models import duration, exclusion, http_call, identity, locked_params, quantity
from taskqueue.models.cron import check_cron
from taskqueue.models.cron_pattern import MAX_CHARACTERS as MAX_CRON_CHARACTERS
from taskqueue.models.params import check_params
from taskqueue.models.refusal import ValueRefusedError, must_be
from taskqueue.models.time_zone import check_time_zone


def _written(check: Callable[[str], object], example: str) -> PlainValidator:
    """Check text of a given form, which stays as written."""

    def validate(written: object) -> str:
        if not isinstance(written, str):
            raise ValueRefusedError(must_be(f'text in quotes, such as "{example}"', written))
        check(written)
        return written

    return PlainValidator(validate)


def _whole(written: object) -> object:
    """Read 5.0 as 5, as readers of JSON do."""
    return int(written) if isinstance(written, float) and written.is_integer() else written


def _check_quantity(written: object) -> str | int:
    written = _whole(written)
    if isinstance(written, bool) or not isinstance(written, str | int):
        raise ValueRefusedError(must_be('text in quotes, such as "10", "0.5" or "500m"', written))
    quantity.parse_per_second(written)
    return written


def _text_schema(max_characters: int, pattern: str | None = None) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": max_characters}
    return WithJsonSchema(schema | ({"pattern": pattern} if pattern else {}))


WholeNumber = Annotated[int, BeforeValidator(_whole)]
#: One failure says nothing.
FailuresInARow = Annotated[int, Field(ge=2, le=1_000), BeforeValidator(_whole)]
_duration_schema = _text_schema(duration.MAX_CHARACTERS, duration.PATTERN)

PositiveDuration = Annotated[str, _written(duration.parse_positive_ms, "30s"), _duration_schema]
WholeSeconds = Annotated[str, _written(duration.parse_whole_s, "5m"), _duration_schema]
Cron = Annotated[str, _written(check_cron, "0 2 * * *"), _text_schema(MAX_CRON_CHARACTERS)]
TimeZone = Annotated[str, _written(check_time_zone, "Europe/Berlin"), _text_schema(64)]
Dates = Annotated[
    str, _written(exclusion.parse_dates, "2026-12-24"), _text_schema(exclusion.MAX_DATES_CHARACTERS)
]
TimeFrom = Annotated[str, _written(exclusion.check_from, "22:00"), _text_schema(exclusion.TIME_CHARACTERS)]
TimeTo = Annotated[str, _written(exclusion.check_to, "06:00"), _text_schema(exclusion.TIME_CHARACTERS)]
Url = Annotated[str, _written(http_call.check_url, "https://..."), _text_schema(http_call.MAX_URL_CHARACTERS)]
_QUANTITY_SCHEMA = WithJsonSchema(
    {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "maxLength": quantity.MAX_CHARACTERS,
        "pattern": quantity.PATTERN,
        "x-kubernetes-int-or-string": True,
    }
)
Quantity = Annotated[str | int, PlainValidator(_check_quantity), _QUANTITY_SCHEMA]
#: A quantity of a removed field: a rule refuses every value.
RemovedQuantity = Annotated[Any, _QUANTITY_SCHEMA]
Headers = Annotated[
    dict[str, str],
    PlainValidator(http_call.check_headers),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": http_call.MAX_HEADERS,
            "additionalProperties": {"type": "string", "maxLength": http_call.MAX_HEADER_CHARACTERS},
        }
    ),
]
Params = Annotated[
    dict[str, Any],
    PlainValidator(check_params),
    WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
]
ParamName = Annotated[
    str,
    AfterValidator(locked_params.check_param_name),
    _text_schema(locked_params.MAX_NAME_CHARACTERS),
]
UserId = Annotated[
    str,
    AfterValidator(identity.check_user_id),
    _text_schema(identity.MAX_USER_ID_CHARACTERS, identity.USER_ID_PATTERN),
]
TypeName = Annotated[
    str,
    AfterValidator(identity.check_type_name),
    _text_schema(identity.MAX_TYPE_CHARACTERS, identity.NAME_PATTERN),
]
LimitName = Annotated[
    str,
    AfterValidator(identity.check_limit_name),
    _text_schema(identity.MAX_LIMIT_CHARACTERS, identity.NAME_PATTERN),
]
AnyLimitName = Annotated[
    str,
    AfterValidator(identity.check_any_limit_name),
    _text_schema(identity.MAX_LIMIT_CHARACTERS, identity.NAME_PATTERN),
]
ObjectName = Annotated[
    str,
    AfterValidator(identity.check_object_name),
    _text_schema(identity.MAX_OBJECT_CHARACTERS, identity.NAME_PATTERN),
]
FunctionName = Annotated[
    str,
    AfterValidator(identity.check_function),
    _text_schema(identity.MAX_FUNCTION_CHARACTERS, identity.FUNCTION_PATTERN),
]
