"""The base of all pydantic models of manifests, and their errors as sentences."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from taskqueue.models.refusal import FieldPath, Refusal, must_be
from taskqueue.models.value_rules import form_of, sentence_of

#: Unknown fields of one mapping that are refused by name: each takes pydantic and the search for the name that was
#: meant 10 microseconds, and a body of 1 MiB has room for 100,000.
MAX_UNKNOWN = 10


class Part(BaseModel):
    """A mapping inside a manifest: camelCase keys, no unknown key, no conversion, null for absent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def leave_out_fields(cls, written: object) -> object:
        """Drop known fields that are null, as the API server does, and unknown ones beyond the first MAX_UNKNOWN."""
        if not isinstance(written, dict):
            return written
        if len(written) <= len(cls.model_fields) + MAX_UNKNOWN and None not in written.values():
            return written
        names = _keys(cls)
        known = {key: written[key] for key in names if written.get(key) is not None}
        unknown = (key for key in written if key not in names)
        return known | {key: written[key] for key in islice(unknown, MAX_UNKNOWN)}


def refusals(error: ValidationError, root: type[Part]) -> Iterator[Refusal]:
    """Return pydantic's errors about a document of the model `root` as sentences."""
    return describe(error.errors(include_url=False), root)


def describe(errors: Iterable[ErrorDetails], root: type[Part]) -> Iterator[Refusal]:
    """Return errors in pydantic's form as sentences."""
    for details in errors:
        path = tuple(step for step in details["loc"] if step != "[key]")
        sentence = _OF_PARTS.get(details["type"], _of_value)
        yield Refusal(path, sentence(details, path, root), unquoted=details["type"] == "string_type")


def _unknown(_details: ErrorDetails, path: FieldPath, root: type[Part]) -> str:
    known = _keys(_part_at(root, path[:-1]))
    near = get_close_matches(str(path[-1])[:64], known, n=1)
    return (
        f'unknown field: must be "{near[0]}"' if near else f"unknown field: must be one of {', '.join(known)}"
    )


def _mapping(details: ErrorDetails, path: FieldPath, root: type[Part]) -> str:
    return must_be(f"a mapping with {', '.join(_keys(_part_at(root, path)))}", details["input"])


def _of_value(details: ErrorDetails, _path: FieldPath, _root: type[Part]) -> str:
    form = form_of(details)
    return must_be(form, details["input"]) if form else sentence_of(details)


_OF_PARTS: Mapping[str, Callable[[ErrorDetails, FieldPath, type[Part]], str]] = {
    "extra_forbidden": _unknown,
    "model_type": _mapping,
    "model_attributes_type": _mapping,  # so says FastAPI's way of reading a body
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
