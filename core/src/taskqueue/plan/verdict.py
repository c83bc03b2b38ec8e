"""The answer to "does it fit?", as a condition, a table or JSON can show it."""

from dataclasses import dataclass
from enum import StrEnum


class Fit(StrEnum):
    """The answer in a word."""

    FITS = "Fits"
    DELAYED = "FitsWithDelay"
    DOES_NOT_FIT = "DoesNotFit"


class Scope(StrEnum):
    """The holder of a limit."""

    TYPE = "type"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Interval:
    """[start_s, end_s) in epoch seconds; demand (with retries) and capacity in slots of the global limit."""

    start_s: int
    end_s: int
    demand: float
    capacity: float


@dataclass(frozen=True, slots=True)
class Violation:
    """The limit of a type or user that one type exceeds; `needed_per_s` would be enough, in slots a second."""

    type: str
    scope: Scope
    needed_per_s: float
    limit_per_s: float


@dataclass(frozen=True, slots=True)
class Feasibility:
    """The result of `feasibility.check`.

    delay_s: the longest a job waits for the global limit.   tightest: where demand exceeds capacity most, or
    where it is highest if it never does.   behind: the types with most demand there, each with its share.
    late: types with jobs that would wait past their deadline.   change: a sentence, empty if all fits.
    """

    fit: Fit
    delay_s: float
    tightest: Interval
    behind: tuple[tuple[str, float], ...]
    late: tuple[str, ...]
    violations: tuple[Violation, ...]
    change: str
