"""Rules between fields of limits, in the documents of all kinds. They read the document as written, as `rules` does."""

from collections.abc import Iterator, Mapping
from typing import Any

from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.rate import MAX_REQUESTS, RATES, is_within_bounds
from taskqueue.models.refusal import FieldPath, Refusal, ValueRefusedError, excerpt, must_be


def rate_limit_conflicts(document: Mapping[str, Any]) -> Iterator[Refusal]:
    """Find contradictions in a RateLimit."""
    spec, metadata = document.get("spec"), document.get("metadata")
    if not isinstance(spec, dict):
        return
    yield from _rate_conflicts(spec, ("spec",))
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(name, str) and name == spec.get("within"):
        yield Refusal(("spec", "within"), "must be another limit than the RateLimit itself")


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
