"""Fields of forms, and parameters of pages: bounded, and refused by their names."""

from collections.abc import Mapping

from taskqueue_api.problems import ProblemError

_MAX_CHARACTERS = 1_000


def refused(field: str, rule: str) -> ProblemError:
    """Return the problem of a field.   rule: behind its name, as in "must be given"."""
    return ProblemError(422, "Invalid request", f"{field} {rule}", field)


def check_lengths(values: Mapping[str, str]) -> None:
    """Raise ProblemError for a value that is too long."""
    for name, value in values.items():
        if len(value) > _MAX_CHARACTERS:
            raise refused(name, f"must have at most {_MAX_CHARACTERS} characters (was {len(value)})")
