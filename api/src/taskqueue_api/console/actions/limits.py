"""Override, clear and open a limit. An override has an end, at most a week ahead."""

import math

from fastapi import Response

from taskqueue.models.duration import format_ms
from taskqueue.models.identity import GLOBAL_LIMIT
from taskqueue.models.rate import MAX_BURST, RATES, describe_rate, is_within_bounds, starts_per_second
from taskqueue.store.limits import clear_limit, clear_rate, open_limit, override_limit, override_rate
from taskqueue.store.types import read_catalog
from taskqueue.views.errors import UnknownLimitError
from taskqueue.views.limits import rate_in_force
from taskqueue_api.console.action import METHODS, Action, UsedAction
from taskqueue_api.console.route import new_router
from taskqueue_api.problems import invalid_field

_MAX_FOR_MS = 7 * 86_400_000
_MAX_DIGITS = 9

router = new_router()


@router.api_route("/actions/limits/{name}/override", methods=METHODS)
async def override(action: UsedAction, name: str) -> Response:
    """Set the rate of a limit for a time."""
    before = await _rate_of(action, name)
    rate, for_ms, burst = _read_rate(action), _read_for(action), _read_burst(action, name)
    change = f"{describe_rate(rate)} instead of {_written(before)}"
    if not action.is_confirmed:
        is_raise = rate > (before or 0.0)
        text = f"All workers follow within a second: {change}. After {format_ms(for_ms)} the declared rate holds."
        warning = " This allows more than now: make sure that the API accepts it." if is_raise else ""
        return action.ask(f"Override the limit {name}?", text + warning, "Override", is_grave=is_raise)
    if name == GLOBAL_LIMIT:
        await override_rate(action.parts.store, rate, for_ms)
    else:
        await override_limit(action.parts.store, name, rate, burst, for_ms)
    return action.done(f"The limit {name} is {change}, for {format_ms(for_ms)}.")


@router.api_route("/actions/limits/{name}/clear", methods=METHODS)
async def clear(action: UsedAction, name: str) -> Response:
    """End the override of a limit."""
    await _rate_of(action, name)
    if not action.is_confirmed:
        return action.ask(
            f"End the override of {name}?", "The declared rate holds again at once.", "End override"
        )
    store = action.parts.store
    ended = await (clear_rate(store) if name == GLOBAL_LIMIT else clear_limit(store, name))
    return action.done(f"The declared rate of {name} holds." if ended else f"{name} was not overridden.")


@router.api_route("/actions/limits/{name}/open", methods=METHODS)
async def reopen(action: UsedAction, name: str) -> Response:
    """Open a limit that a handler closed; `user` names the user of a limit with key User."""
    await _rate_of(action, name)
    user = action.fields.get("user", "").strip()
    limit = f"{name}|{user}" if user else name
    if not action.is_confirmed:
        text = "A handler closed it because the API said so. Jobs start again at once; the API may refuse them again."
        return action.ask(f"Open the limit {limit}?", text, "Open")
    was_ms = await open_limit(action.parts.store, limit)
    return action.done(f"The limit {limit} is open." if was_ms else f"The limit {limit} was not closed.")


async def _rate_of(action: Action, name: str) -> float | None:
    """Return the rate in force. Raises UnknownLimitError."""
    catalog = await read_catalog(action.parts.store)
    if name != GLOBAL_LIMIT and name not in catalog.limits:
        raise UnknownLimitError(name)
    return rate_in_force(catalog, name)


def _read_rate(action: Action) -> float:
    """Return the starts per second of the fields `requests` and `per`. Raises ProblemError."""
    requests, per = _whole(action.field("requests")), action.field("per")
    if not requests:
        raise invalid_field("requests", "must be a whole number above 0")
    if not is_within_bounds(requests, action.duration_ms("per") or 0):
        raise invalid_field("requests", f"must give a rate {RATES}")
    return starts_per_second(requests, per)


def _read_for(action: Action) -> int:
    """Return the time after which the override ends, ms. Raises ProblemError: none is without an end."""
    action.field("for")
    for_ms = action.duration_ms("for") or 0
    if for_ms > _MAX_FOR_MS:
        raise invalid_field("for", f"must be at most {format_ms(_MAX_FOR_MS)}")
    return for_ms


def _read_burst(action: Action, name: str) -> int | None:
    """Return the burst; None for the limit's own. Raises ProblemError."""
    text = action.fields.get("burst", "").strip()
    if not text or name == GLOBAL_LIMIT:
        return None
    if not 1 <= _whole(text) <= MAX_BURST:
        raise invalid_field("burst", f"must be from 1 to {MAX_BURST} (was {text})")
    return _whole(text)


def _whole(text: str) -> int:
    """Return a whole number; 0 for any other text, and for more than nine digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else 0


def _written(per_second: float | None) -> str:
    if per_second is None:
        return "no starts"
    return "no limit" if per_second == math.inf else describe_rate(per_second)
