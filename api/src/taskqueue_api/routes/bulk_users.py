"""PUT /v1/users: all users of applications, a line each."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, Field

from taskqueue.models.fault import Fault
from taskqueue.models.values import UserSubscription
from taskqueue.sources.ndjson_users import NdjsonUsers
from taskqueue.store.errors import TooManyRemovalsError
from taskqueue_api.noted_writes import note
from taskqueue_api.parts import UsedParts
from taskqueue_api.problems import ProblemError
from taskqueue_api.request.description import lines_body, problems
from taskqueue_api.request.line_faults import LineFault, LineFaults
from taskqueue_api.request.lines import read_lines
from taskqueue_api.request.route import new_router

router = new_router("users")

_BODY = lines_body(
    "A line is the spec of a UserSubscription with its userId, as in the file of an import.",
    '{"userId": "u-7", "timeZone": "Europe/Berlin", "tasks": [{"type": "fetch-orders", "interval": "5m"}]}\n'
    '{"userId": "u-8", "tasks": [{"type": "fetch-orders"}]}\n',
)
_REMOVALS = (
    "More than 100 users and a fifth, or all, would be removed: none was, the given users are written."
)


class UsersWritten(BaseModel):
    """The effect of a bulk write, in users."""

    created: int
    changed: int
    unchanged: int = Field(description="Users that are as given already: they were not written.")
    removed: int
    pruned: bool = Field(
        description="Whether users that were not given were removed: never if a line cannot be read."
    )
    lines_at_fault: int = Field(alias="linesAtFault", description="Lines that were left out.")
    faults: list[LineFault] = Field(description="The first 100 faults of these lines.")


@router.put("", openapi_extra=_BODY, responses=problems({409: _REMOVALS}))
async def put_users(
    request: Request,
    parts: UsedParts,
    prune: Annotated[bool, Query(description="Remove users of applications that are not given.")] = False,
    allow_removal: Annotated[
        bool, Query(alias="allowRemoval", description="Remove them also where they are many.")
    ] = False,
) -> UsersWritten:
    """Replace many users, a line each; users that are as given already are not written.

    Lines at fault are left out and named; nothing is removed if a line cannot be read. A user without tasks is removed.
    A request that was cut off may be repeated.
    """
    users, faults = NdjsonUsers("body"), LineFaults()

    def complete() -> bool:
        return not faults.lines

    try:
        done = await parts.client.put_users(
            _read(request, users, faults), prune=prune and complete, confirm_removals=allow_removal
        )
    except TooManyRemovalsError as error:
        detail = str(error).replace("confirm_removals=True", "allowRemoval=true")
        raise ProblemError(409, "Too many removals", detail, "allowRemoval") from error
    pruned = prune and complete()
    for user, refusal in done.refused.items():
        faults.add(users.line_of(user), "line", str(refusal))
    note(request, f"{done.created} created, {done.changed} changed, {done.removed} removed")
    return UsersWritten(
        created=done.created,
        changed=done.changed,
        unchanged=done.unchanged,
        removed=done.removed,
        pruned=pruned,
        linesAtFault=faults.lines,
        faults=faults.listed,
    )


async def _read(request: Request, users: NdjsonUsers, faults: LineFaults) -> AsyncIterator[UserSubscription]:
    async for line in read_lines(request):
        for number, row in users.read(line):
            if isinstance(row, Fault):
                faults.add(number, row.field, row.message)
            else:
                yield row
