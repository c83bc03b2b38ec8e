"""The HTTP request of a TaskType manifest, as people write it."""

from typing import Literal

from pydantic import Field

from taskqueue.models import values
from taskqueue.models.fields import AnyLimitName, Headers, Url
from taskqueue.models.part import Part


class HttpSpec(Part):
    """A request in place of code."""

    url: Url = Field(
        description="Absolute http or https URL. Params go into the body or the query, never into the URL."
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="POST",
        description="HTTP method. Params are the query of GET, HEAD and DELETE, "
        "and the JSON body of the other methods.",
    )
    headers: Headers = Field(
        default={},
        description="Headers sent with every request. ${env:TASKQUEUE_HTTP_...} in a value is read from the "
        "worker's environment, so that a manifest holds no secret.",
    )
    limit_on_429: AnyLimitName | None = Field(
        default=None,
        description="Name of the limit that an answer 429 closes: one that the type's jobs take from, or global. "
        "Defaults to the type's User limit for the user, and to its Release limit once three users were refused "
        "within a second.",
    )

    def value(self) -> values.HttpCall:
        """Return the call, with every default filled in."""
        return values.HttpCall(self.url, self.method, self.headers, self.limit_on_429)
