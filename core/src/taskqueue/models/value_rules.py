"""Rules of single values, in place of pydantic's sentences: manifests, settings and requests share them."""

from collections.abc import Mapping

from pydantic_core import ErrorDetails

from taskqueue.models.params import HALF_A_CHARACTER, KEYS_ARE_TEXT

_NUMBER, _WHOLE_NUMBER, _DAY = "a number", "a whole number", "a day, such as 2026-11-24"

#: What a value must be, by the type of pydantic's error.
_FORMS: Mapping[str, str] = {
    "string_type": "text, in quotes",
    "path_type": "a path",
    "int_type": "a whole number, without quotes",
    "int_parsing": _WHOLE_NUMBER,
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing_size": "a whole number of fewer digits",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "a finite number",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "bool_type": "true or false, without quotes",
    "bool_parsing": "true or false",
    "enum": "{expected}",
    "literal_error": "{expected}",
    "date_type": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "list_type": "a list, such as [a, b]",
}
#: Sentences that do not quote the value.
_SENTENCES: Mapping[str, str] = {
    "missing": "add {field}: it is required",
    "value_error": "{error}",
    "string_unicode": HALF_A_CHARACTER,
    "invalid_key": KEYS_ARE_TEXT,
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have {min_length} or more items (was {actual_length})",
    "too_long": "must have at most {max_length} items (was {actual_length})",
}
#: Of errors that no model of ours has.
_OF_ANOTHER_FORM = "of the form that its documentation shows"


def form_of(error: ErrorDetails) -> str | None:
    """Return what a value must be, such as "at least 1"; None where `sentence_of` has the refusal."""
    if error["type"] in _SENTENCES:
        return None
    return _FORMS.get(error["type"], _OF_ANOTHER_FORM).format_map(_bounds(error))


def sentence_of(error: ErrorDetails) -> str:
    """Return a refusal without the value."""
    form = form_of(error)
    return f"must be {form}" if form else _SENTENCES[error["type"]].format_map(_bounds(error))


def _bounds(error: ErrorDetails) -> Mapping[str, str]:
    """Return the rule's own values, by the names that pydantic gives them."""
    field = error["loc"][-1] if error["loc"] else ""
    return {"field": str(field)} | {name: _written(value) for name, value in error.get("ctx", {}).items()}


def _written(bound: object) -> str:
    """Write a bound as people do.

    >>> _written(1e-06), _written(1_000_000.0), _written("'json' or 'console'")
    ('0.000001', '1000000', 'json or console')
    """
    if isinstance(bound, float):
        return f"{bound:f}".rstrip("0").rstrip(".")
    return bound.replace("'", "") if isinstance(bound, str) else str(bound)
