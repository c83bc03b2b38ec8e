"""The attempts of a task type as people write them."""

from pydantic import Field

from taskqueue.models.duration import parse_ms
from taskqueue.models.fields import PositiveDuration, WholeNumber
from taskqueue.models.part import Part
from taskqueue.models.values import Retry

MAX_ATTEMPTS = 100


class RetrySpec(Part):
    """Attempts of a failed job, and the delays between them."""

    max_attempts: WholeNumber = Field(
        default=5,
        ge=1,
        le=MAX_ATTEMPTS,
        description="Starts of a job until it is a dead letter, the first one included.",
    )
    min_backoff: PositiveDuration = Field(
        default="1s",
        description="Upper end of the first delay; it doubles with every attempt. "
        "The delay is random between 0 and that end.",
    )
    max_backoff: PositiveDuration = Field(
        default="5m", description="The upper end of a delay never grows beyond this. At least minBackoff."
    )

    def value(self) -> Retry:
        """Turn text into numbers."""
        return Retry(self.max_attempts, parse_ms(self.min_backoff), parse_ms(self.max_backoff))
