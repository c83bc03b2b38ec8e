"""The bound of fields of forms, and of parameters of pages."""

from collections.abc import Mapping

from taskqueue_api.problems import invalid_field

_MAX_CHARACTERS = 1_000


def check_lengths(values: Mapping[str, str]) -> None:
    """Raise ProblemError for a value that is too long."""
    for name, value in values.items():
        if len(value) > _MAX_CHARACTERS:
            raise invalid_field(name, f"must have at most {_MAX_CHARACTERS} characters (was {len(value)})")
