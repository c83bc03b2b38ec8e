"""The RateLimit manifest as people write it: a limit that task types name."""

from typing import Annotated, Any, Literal

from pydantic import Field

from taskqueue.models import values
from taskqueue.models.fields import LimitName, PositiveDuration, WholeNumber
from taskqueue.models.metadata import LimitMetadata
from taskqueue.models.part import Part
from taskqueue.models.rate import MAX_BURST, MAX_REQUESTS, starts_per_second


class RateSpec(Part):
    """A number of requests in a time, spaced evenly."""

    requests: WholeNumber = Field(ge=1, le=MAX_REQUESTS, description="Number of requests in `per`.")
    per: PositiveDuration = Field(
        description="Time for these requests, such as 1s, 1m or 24h. Requests are spaced evenly over it: "
        "from one a day to 1,000,000 a second."
    )


class RateLimitSpec(Part):
    """The desired state of a RateLimit."""

    key: Annotated[values.LimitKey, Field(strict=False)] = Field(
        description="Release: all jobs of the release share the limit. User: each user has it to themselves."
    )
    rate: RateSpec = Field(description="The rate of starts: requests per time.")
    burst: WholeNumber = Field(
        default=1,
        ge=1,
        le=MAX_BURST,
        description="Requests that may follow each other at once after a pause, as in a bucket of this size.",
    )
    within: LimitName | None = Field(
        default=None,
        description="Name of the Release limit that this limit is part of, such as that of an app for one of its "
        "endpoints: a job takes from both. At most 3 limits within each other.",
    )


class RateLimitManifest(Part):
    """A limit by name, for the task types that name it in spec.limits.

    Read through `taskqueue.models.manifest.parse`.
    """

    api_version: Literal["taskqueue.dev/v1alpha1"] = Field(description="Version of this schema.")
    kind: Literal["RateLimit"] = Field(description="Kind of the object.")
    metadata: LimitMetadata = Field(description="Standard metadata; the name is the limit's name.")
    spec: RateLimitSpec = Field(description="The desired state.")
    status: Any = Field(default={}, description="Written by the operator, ignored in a file.")

    def value(self) -> values.Limit:
        """Fill in all defaults and turn text into numbers."""
        spec = self.spec
        return values.Limit(
            name=self.metadata.name,
            key=spec.key,
            per_second=starts_per_second(spec.rate.requests, spec.rate.per),
            burst=spec.burst,
            within=spec.within,
        )
