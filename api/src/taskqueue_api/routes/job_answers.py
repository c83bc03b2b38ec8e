"""Answers about jobs that were written."""

from pydantic import BaseModel, Field

from taskqueue_api.request.line_faults import LineFault


class JobAnswer(BaseModel):
    """A job that was enqueued."""

    job: str = Field(description="Name of the job.")


class JobsAnswer(BaseModel):
    """The effect of many jobs, a line each."""

    enqueued: int = Field(
        description="Number of jobs that were enqueued, or had been before by the same `id`."
    )
    lines_at_fault: int = Field(alias="linesAtFault", description="Lines that were left out.")
    faults: list[LineFault] = Field(description="The first 100 faults of these lines.")


class Cancelled(BaseModel):
    """The effect of a cancellation."""

    cancelled: int = Field(description="Number of jobs that were cancelled.")
    running: list[str] = Field(description="Named jobs that run.")
    dead: list[str] = Field(description="Named jobs that are dead.")
    unknown: list[str] = Field(description="Named jobs that neither wait nor run.")
