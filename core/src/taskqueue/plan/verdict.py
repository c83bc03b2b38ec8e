"""The answer to "does it fit?", as a condition, a table or JSON can show it."""

from dataclasses import dataclass
from enum import StrEnum

from taskqueue.models.values import LimitKey

# Number of types named for a limit.
NAMED_TYPES = 5


class Fit(StrEnum):
    """The answer in a word."""

    FITS = "Fits"
    DELAYED = "FitsWithDelay"
    DOES_NOT_FIT = "DoesNotFit"


@dataclass(frozen=True, slots=True)
class Interval:
    """[start_s, end_s) in epoch seconds; demand (with retries) and capacity in slots of the limit."""

    start_s: int
    end_s: int
    demand: float
    capacity: float


@dataclass(frozen=True, slots=True)
class UserShare:
    """The users of a limit.

    over: users for whose jobs it is too slow.   worst: the id of the user with most demand for the rate in force,
    `per_second`; `needed_per_s` would be enough for that demand.
    """

    users: int
    over: int
    worst: str
    needed_per_s: float
    per_second: float


@dataclass(frozen=True, slots=True)
class LimitVerdict:
    """The answer for one limit.

    limit: its name; global; type:TYPE for rateLimit.perSecond.
    use: demand over capacity in the tightest interval, for a User limit of the worst user.   delay_s: the longest a job
    waits for the limit while it fits.   tightest: where demand exceeds capacity most, or where it is highest if it
    never does; None for a User limit.   behind: the types with most demand there, each with its share.
    change: a sentence, empty if all fits.
    """

    limit: str
    key: LimitKey
    per_second: float
    fit: Fit
    use: float
    delay_s: float
    tightest: Interval | None
    behind: tuple[tuple[str, float], ...]
    users: UserShare | None
    change: str


@dataclass(frozen=True, slots=True)
class Feasibility:
    """The result of `feasibility.check`.

    delay_s: the longest a job waits for the backlog of a limit.   limits: with demand, the tightest first.
    late: types with jobs that would wait past their deadline.   unknown: limits that nothing declares, each with the
    types whose jobs wait for it.   change: of the tightest limit; empty if all fits.
    """

    fit: Fit
    delay_s: float
    limits: tuple[LimitVerdict, ...]
    late: tuple[str, ...]
    unknown: tuple[tuple[str, tuple[str, ...]], ...]
    change: str
