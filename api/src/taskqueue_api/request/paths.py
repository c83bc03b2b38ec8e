"""Names in paths."""

from typing import Annotated

from fastapi import Path

from taskqueue.models.fields import AnyLimitName, TypeName, UserId

_USER = "Id of the user; `.` and `..` are written `%20.` and `%20..`, as clients take dots out of paths."
UserPath = Annotated[UserId, Path(description=_USER, examples=["u-7"])]
TypePath = Annotated[
    TypeName, Path(alias="type", description="Name of the task type.", examples=["fetch-orders"])
]
LimitPath = Annotated[
    AnyLimitName, Path(description="Name of the limit; `global` is the release's.", examples=["shop"])
]
JobPath = Annotated[str, Path(description="Name of the job, percent-encoded.", max_length=1_024)]
