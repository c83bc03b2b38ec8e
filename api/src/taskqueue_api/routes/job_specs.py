"""Bodies about jobs."""

from typing import Annotated

from pydantic import AfterValidator, Field

from taskqueue.models.ad_hoc_job import MAX_JOB_S
from taskqueue.models.duration import format_ms, parse_positive_ms
from taskqueue.models.fields import Params, PositiveDuration, TypeName, UserId
from taskqueue.models.identity import JOB_ID_PATTERN, MAX_JOB_ID_CHARACTERS, check_job_id
from taskqueue.models.part import Part
from taskqueue.models.refusal import ValueRefusedError, must_be


def _check_time(written: str) -> str:
    """Check the delay or the life of a job. Raises ValueRefusedError."""
    if parse_positive_ms(written) > MAX_JOB_S * 1000:
        raise ValueRefusedError(must_be(f"at most {format_ms(MAX_JOB_S * 1000)}", written))
    return written


_JobTime = Annotated[PositiveDuration, AfterValidator(_check_time)]


class JobSpec(Part):
    """A job outside the schedule."""

    user: UserId = Field(description="Id of the user, who needs no subscription.", examples=["u-7"])
    type: TypeName = Field(description="Name of the task type.", examples=["fetch-orders"])
    params: Params = Field(
        default={},
        description="Merged over the type's params. At most 1 KiB of JSON.",
        examples=[{"region": "eu"}],
    )
    id: Annotated[str, AfterValidator(check_job_id)] | None = Field(
        default=None,
        json_schema_extra={"maxLength": MAX_JOB_ID_CHARACTERS, "pattern": JOB_ID_PATTERN},
        description="A second job with this id within an hour is not added.",
        examples=["webhook-4711"],
    )
    delay: _JobTime | None = Field(
        default=None, description="The job is due after this time.", examples=["10s"]
    )
    expires: _JobTime | None = Field(
        default=None, description="The job is dropped this long after its due, unless it has started."
    )

    @property
    def delay_s(self) -> float:
        """Return the seconds until the job is due."""
        return 0.0 if self.delay is None else parse_positive_ms(self.delay) / 1000

    @property
    def expires_s(self) -> float | None:
        """Return the seconds of the job's life after its due; None without an end."""
        return None if self.expires is None else parse_positive_ms(self.expires) / 1000


class CancelSpec(Part):
    """The jobs to cancel: by name, or by type, user or both."""

    jobs: list[str] | None = Field(default=None, min_length=1, max_length=1_000, description="Names of jobs.")
    type: TypeName | None = Field(default=None, description="Every job of this type that is due.")
    user: UserId | None = Field(default=None, description="Every job of this user that is due.")
    running: bool = Field(default=False, description="Also jobs that run.")
