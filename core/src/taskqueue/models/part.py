"""The base of all pydantic models of manifests, and their errors as sentences."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from taskqueue.models.params import HALF_A_CHARACTER, KEYS_ARE_TEXT
from taskqueue.models.refusal import FieldPath, Refusal, excerpt, must_be


class Part(BaseModel):
    """A mapping inside a manifest: camelCase keys, no unknown key, no conversion, null for absent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def leave_out_nulls(cls, written: object) -> object:
        """Drop known fields that are null, as the API server does."""
        if not isinstance(written, dict) or None not in written.values():
            return written
        known = _keys(cls)
        return {key: value for key, value in written.items() if value is not None or key not in known}


def refusals(error: ValidationError, root: type[Part]) -> Iterator[Refusal]:
    """Return pydantic's errors about a document of the model `root` as sentences."""
    return describe(error.errors(include_url=False), root)


def describe(errors: Iterable[ErrorDetails], root: type[Part]) -> Iterator[Refusal]:
    """Return errors in pydantic's form as sentences."""
    for details in errors:
        path = tuple(step for step in details["loc"] if step != "[key]")
        sentence = _SENTENCES.get(details["type"], _in_pydantics_words)
        yield Refusal(path, sentence(details, path, root), unquoted=details["type"] == "string_type")


def _unknown(_details: ErrorDetails, path: FieldPath, root: type[Part]) -> str:
    known = _keys(_part_at(root, path[:-1]))
    near = get_close_matches(str(path[-1])[:64], known, n=1)
    return (
        f'unknown field: must be "{near[0]}"' if near else f"unknown field: must be one of {', '.join(known)}"
    )


def _mapping(details: ErrorDetails, path: FieldPath, root: type[Part]) -> str:
    return must_be(f"a mapping with {', '.join(_keys(_part_at(root, path)))}", details["input"])


def _missing(_details: ErrorDetails, path: FieldPath, _root: type[Part]) -> str:
    return f"add {path[-1]}: it is required"


def _choice(details: ErrorDetails, _path: FieldPath, _root: type[Part]) -> str:
    return must_be(details["ctx"]["expected"].replace("'", ""), details["input"])


def _rule(details: ErrorDetails, _path: FieldPath, _root: type[Part]) -> str:
    return str(details["ctx"]["error"])


def _in_pydantics_words(details: ErrorDetails, _path: FieldPath, _root: type[Part]) -> str:
    return excerpt(details["msg"])


def _value(rule: str) -> Callable[[ErrorDetails, FieldPath, type[Part]], str]:
    def sentence(details: ErrorDetails, _path: FieldPath, _root: type[Part]) -> str:
        return must_be(rule.format_map(details.get("ctx", {})), details["input"])

    return sentence


def _saying(template: str) -> Callable[[ErrorDetails, FieldPath, type[Part]], str]:
    def sentence(details: ErrorDetails, _path: FieldPath, _root: type[Part]) -> str:
        return template.format_map(details.get("ctx", {}))

    return sentence


_DAY = "a day, such as 2026-11-24"

_SENTENCES: Mapping[str, Callable[[ErrorDetails, FieldPath, type[Part]], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "model_type": _mapping,
    "model_attributes_type": _mapping,  # so says FastAPI's way of reading a body
    "enum": _choice,
    "literal_error": _choice,
    "value_error": _rule,
    "string_type": _value("text, in quotes"),
    "string_unicode": _saying(HALF_A_CHARACTER),
    "invalid_key": _saying(KEYS_ARE_TEXT),
    "int_type": _value("a whole number, without quotes"),
    "int_parsing": _value("a whole number"),
    "greater_than_equal": _value("at least {ge}"),
    "less_than_equal": _value("at most {le}"),
    "bool_type": _value("true or false, without quotes"),
    "bool_parsing": _value("true or false"),
    "date_from_datetime_parsing": _value(_DAY),
    "date_from_datetime_inexact": _value(_DAY),
    "string_too_long": _saying("must have at most {max_length} characters"),
    "list_type": _value("a list, such as [a, b]"),
    "too_short": _saying("must have {min_length} or more items (was {actual_length})"),
    "too_long": _saying("must have at most {max_length} items (was {actual_length})"),
}


def _keys(part: type[Part]) -> list[str]:
    return [str(field.alias) for field in part.model_fields.values()]


def _part_at(root: type[Part], path: FieldPath) -> type[Part]:
    """Follow a path of known keys to the model at its end."""
    part = root
    for key in (step for step in path if isinstance(step, str)):
        field = next(field for field in part.model_fields.values() if field.alias == key)
        part = _parts_in(field.annotation)[0]
    return part


def _parts_in(annotation: Any) -> list[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return [part for argument in get_args(annotation) for part in _parts_in(argument)]
