"""The body that pauses a user or a type."""

from pydantic import Field

from taskqueue.models.duration import parse_positive_ms
from taskqueue.models.fields import PositiveDuration
from taskqueue.models.part import Part


class PauseSpec(Part):
    """A pause. It replaces an earlier one."""

    for_: PositiveDuration | None = Field(
        default=None,
        alias="for",
        description="The pause ends after this time, such as 1h30m; without it, once it is deleted.",
        examples=["1h"],
    )

    @property
    def for_s(self) -> float | None:
        """Return the seconds of the pause; None without an end."""
        return None if self.for_ is None else parse_positive_ms(self.for_) / 1000


WITHOUT_END = PauseSpec()
