"""An object's metadata: taskqueue reads the name and accepts labels and all fields that a cluster adds."""

from pydantic import ConfigDict, Field

from taskqueue.models.fields import LimitName, ObjectName, TypeName
from taskqueue.models.part import Part


class TypeMetadata(Part):
    """Metadata of a TaskType, whose name is part of keys and therefore shorter."""

    model_config = ConfigDict(extra="ignore")

    name: TypeName = Field(description="Name of the task type, as subscriptions write it.")


class SubscriptionMetadata(Part):
    """Metadata of a UserSubscription."""

    model_config = ConfigDict(extra="ignore")

    name: ObjectName = Field(
        description="Name of the object, and the user's id where spec.userId is not given."
    )


class LimitMetadata(Part):
    """Metadata of a RateLimit, whose name is part of keys as well."""

    model_config = ConfigDict(extra="ignore")

    name: LimitName = Field(description="Name of the limit, as task types and subscriptions write it.")
