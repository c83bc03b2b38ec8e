"""Names in paths."""

from typing import Annotated

from fastapi import Path

from taskqueue.models.fields import AnyLimitName, TypeName, UserId

UserPath = Annotated[UserId, Path(description="Id of the user.", examples=["u-7"])]
TypePath = Annotated[
    TypeName, Path(alias="type", description="Name of the task type.", examples=["fetch-orders"])
]
LimitPath = Annotated[
    AnyLimitName, Path(description="Name of the limit; `global` is the release's.", examples=["shop"])
]
JobPath = Annotated[str, Path(description="Name of the job, percent-encoded.", max_length=1_024)]
