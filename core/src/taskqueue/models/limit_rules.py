"""Rules between fields of limits, in the documents of all kinds. They read the document as written, as `rules` does."""

from collections.abc import Iterator, Mapping
from typing import Any

from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.identity import MAX_LIMIT_CHARACTERS, check_type_name
from taskqueue.models.quantity import parse_per_second
from taskqueue.models.rate import MAX_REQUESTS, RATES, is_within_bounds, requests_per_time
from taskqueue.models.refusal import FieldPath, Refusal, ValueRefusedError, excerpt, must_be

#: Behind the name of a type: the name of a limit for its users.
_OF_USER = "-user"


def rate_limit_conflicts(document: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find contradictions in a RateLimit."""
    spec, metadata = document.get("spec"), document.get("metadata")
    if not isinstance(spec, dict):
        return
    yield from _rate_conflicts(spec, ("spec",))
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, str) and name == spec.get("within"):
        yield Refusal(("spec", "within"), "must be another limit than the RateLimit itself")


def removed_limit_conflicts(document: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find a limit of each user in a TaskType, which RateLimits with key User replaced."""
    spec, metadata = document.get("spec"), document.get("metadata")
    limits = spec.get("rateLimit") if isinstance(spec, dict) else None
    written = limits.get("perUserPerSecond") if isinstance(limits, dict) else None
    if written is None:
        return
    name = f"{_type_name(metadata)[: MAX_LIMIT_CHARACTERS - len(_OF_USER)]}{_OF_USER}"
    requests, per = _requests_per_time(written)
    instead = (
        f"the RateLimit {{metadata: {{name: {name}}}, "
        f"spec: {{key: User, rate: {{requests: {requests}, per: {per}}}}}}}"
    )
    message = f"remove perUserPerSecond: add {instead}, and limits: [{{name: {name}}}] to the type"
    yield Refusal(("spec", "rateLimit", "perUserPerSecond"), message)


def limits_conflicts(spec: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find limits that `spec.limits` of a type or a user lists twice, and rates out of bounds."""
    limits = spec.get("limits")
    first_by_name: dict[str, int] = {}
    for position, limit in enumerate(limits if isinstance(limits, list) else ()):
        if not isinstance(limit, dict):
            continue
        name = limit.get("name")
        if isinstance(name, str):
            first = first_by_name.setdefault(name, position)
            if first != position:
                message = f'remove "{excerpt(name)}": limits[{first}] lists it already'
                yield Refusal(("spec", "limits", position, "name"), message)
        yield from _rate_conflicts(limit, ("spec", "limits", position))


def _type_name(metadata: object) -> str:
    """Return the name of a type; another one where its own check refuses it."""
    name = metadata.get("name") if isinstance(metadata, dict) else None
    try:
        return check_type_name(name) if isinstance(name, str) else "my"
    except ValueRefusedError:
        return "my"


def _requests_per_time(written: object) -> tuple[int, str]:
    """Return a rate that was written as starts per second; one a second for a text that is none."""
    try:
        return requests_per_time(parse_per_second(written) if isinstance(written, str | int) else 1)
    except ValueRefusedError:
        return 1, "1s"


def _rate_conflicts(parent: Mapping[str, Any], path: FieldPath) -> Iterator[Refusal]:
    """Find a rate out of bounds; fields that their own check refuses are skipped."""
    rate = parent.get("rate")
    if not isinstance(rate, dict):
        return
    requests, per = rate.get("requests"), rate.get("per")
    if isinstance(requests, float) and requests.is_integer():
        requests = int(requests)
    if type(requests) is not int or not 1 <= requests <= MAX_REQUESTS or not isinstance(per, str):
        return
    try:
        per_ms = parse_positive_ms(per)
    except ValueRefusedError:
        return
    if not is_within_bounds(requests, per_ms):
        yield Refusal((*path, "rate"), must_be(RATES, f"{requests} per {per}"))
