"""The body that sets a limit by hand."""

import math
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.fields import PositiveDuration, WholeNumber
from taskqueue.models.part import Part
from taskqueue.models.quantity import MAX_PER_SECOND, MIN_PER_SECOND, NO_LIMIT
from taskqueue.models.rate import MAX_BURST
from taskqueue.models.refusal import ValueRefusedError, must_be

_RATE = f'from {MIN_PER_SECOND:f} to {MAX_PER_SECOND:,.0f} starts a second, or "{NO_LIMIT}"'


def _check_rate(written: object) -> float:
    """Return starts per second, infinite for NO_LIMIT. Raises ValueRefusedError."""
    if written == NO_LIMIT:
        return math.inf
    if not isinstance(written, int | float) or isinstance(written, bool):
        raise ValueRefusedError(must_be(_RATE, written))
    if not MIN_PER_SECOND <= written <= MAX_PER_SECOND:
        raise ValueRefusedError(must_be(_RATE, written))
    return float(written)


_RATE_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "number", "minimum": MIN_PER_SECOND, "maximum": MAX_PER_SECOND},
            {"const": NO_LIMIT},
        ]
    }
)


class OverrideSpec(Part):
    """Values of a limit that are set by hand. They replace earlier ones."""

    per_second: Annotated[float, PlainValidator(_check_rate), _RATE_SCHEMA] = Field(
        description="Starts per second; none, of the global limit: only limits by name hold.", examples=[50]
    )
    burst: WholeNumber | None = Field(
        default=None, ge=1, le=MAX_BURST, description="Defaults to the limit's own burst."
    )
    for_: PositiveDuration | None = Field(
        default=None, alias="for", description="The override ends after this time.", examples=["1h"]
    )

    @property
    def for_ms(self) -> int:
        """Return the time of the override; 0: until it is cleared."""
        return 0 if self.for_ is None else parse_positive_ms(self.for_)

    def raises(self, per_second: float | None, burst: int) -> bool:
        """Tell whether more is allowed than by these values, which are configured."""
        return self.per_second > (per_second or 0.0) or (self.burst or burst) > burst
