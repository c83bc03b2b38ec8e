"""A job outside the schedule, as an application asks for it."""

from collections.abc import Mapping
from typing import Any

import msgspec

#: Longest delay and longest life of a job, a year, in seconds.
MAX_JOB_S = 366 * 86_400


class AdHocJob(msgspec.Struct, frozen=True):
    """A job for `Client.enqueue_many`; the fields are the arguments of `Client.enqueue`."""

    user: str
    task_type: str
    params: Mapping[str, Any] | None = None
    job_id: str | None = None
    delay_s: float = 0.0
    expires_s: float | None = None
