"""Arguments of the limit commands: a name that the store knows, a user where the limit has one, a rate."""

import math

from taskqueue.cli.exit_codes import ExitCode
from taskqueue.cli.failure import fail, fail_argument
from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND
from taskqueue.models.refusal import ValueRefusedError, must_be
from taskqueue.models.values import Limit, LimitKey
from taskqueue.store.types import Catalog

#: Names that a failure lists.
_MAX_NAMES = 20


def find_limit(catalog: Catalog, name: str) -> Limit:
    """Return a limit of the store. Ends the command with NOT_FOUND for any other name."""
    if name == GLOBAL_LIMIT:
        return Limit(GLOBAL_LIMIT, LimitKey.RELEASE, catalog.rate or 0.0)
    if name not in catalog.limits:
        known = [GLOBAL_LIMIT, *sorted(catalog.limits)]
        more = f" and {len(known) - _MAX_NAMES} more" if len(known) > _MAX_NAMES else ""
        fail(f"{name}: no such limit; there are {', '.join(known[:_MAX_NAMES])}{more}", ExitCode.NOT_FOUND)
    return catalog.limits[name]


def check_user(limit: Limit, user: str | None) -> None:
    """End the command with USAGE unless a user is given for a User limit, and for no other."""
    if limit.key is LimitKey.USER and user is None:
        fail(f"{limit.name} has key User, each user has it to themselves: give --user USER", ExitCode.USAGE)
    if limit.key is LimitKey.RELEASE and user is not None:
        fail(f"{limit.name} has key Release, all jobs share it: leave --user out", ExitCode.USAGE)


def read_rate(text: str) -> float:
    """Return the starts per second of a rate such as 50, 0.5 or 2/1m. Ends the command with USAGE otherwise."""
    number, slash, per = text.partition("/")
    try:
        rate = float(number) * 1000 / parse_positive_ms(per) if slash else float(number)
    except ValueRefusedError as error:
        fail_argument("RATE", error)
    except ValueError:
        rate = math.nan
    if not MIN_PER_SECOND <= rate <= MAX_PER_SECOND:
        bounds = f"{MIN_PER_SECOND:f} to {MAX_PER_SECOND:,.0f} starts a second"
        fail_argument("RATE", ValueRefusedError(must_be(f'{bounds}, such as "50" or "2/1m"', text)))
    return rate
