"""ETag, If-Match and If-None-Match: a write happens only in the state that its caller has seen."""

import re
from typing import Annotated, NamedTuple

from fastapi import Depends, Header

from taskqueue.models.refusal import must_be
from taskqueue_api.problems import invalid_field

_ETAG = re.compile(r'"([!#-~]{1,64})"')


class Precondition(NamedTuple):
    """if_match: the etag that the resource must have, `*` for any; None: no matter.   only_new: it must not exist."""

    if_match: str | None
    only_new: bool


def _precondition(
    if_match: Annotated[
        str | None, Header(description="Write only if this is the ETag; * if there is one at all.")
    ] = None,
    if_none_match: Annotated[str | None, Header(description="*: write only if there is nothing yet.")] = None,
) -> Precondition:
    """Read the precondition of a write. Raises ProblemError."""
    if if_none_match not in {None, "*"}:
        raise invalid_field("If-None-Match", must_be("*", if_none_match))
    if if_match is None or if_match == "*":
        return _checked(if_match, if_none_match)
    found = _ETAG.fullmatch(if_match)
    if found is None:
        raise invalid_field("If-Match", must_be("one ETag in quotes, or *", if_match))
    return _checked(found[1], if_none_match)


def _checked(etag: str | None, if_none_match: str | None) -> Precondition:
    if etag is not None and if_none_match is not None:
        raise invalid_field("If-Match", "remove If-Match or If-None-Match: a write has one of them")
    return Precondition(etag, if_none_match is not None)


def quoted(etag: str) -> str:
    """Return the header of an etag."""
    return f'"{etag}"'


UsedPrecondition = Annotated[Precondition, Depends(_precondition)]
