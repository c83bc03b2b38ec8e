"""The settings of the operator: those of the scheduler, but for its manifests, and where Kubernetes is."""

from pathlib import Path

from pydantic import Field

from taskqueue.scheduler.settings import TickingSettings


class OperatorSettings(TickingSettings):
    """Publishes the TaskTypes and UserSubscriptions of one namespace, and emits jobs when they are due."""

    namespace: str = Field(
        default="default",
        min_length=1,
        max_length=63,
        description="The namespace whose objects are published.",
    )
    kubeconfig: Path | None = Field(
        default=None,
        description="How to reach the API server; without it the service account of the pod, or else what "
        "KUBECONFIG or ~/.kube/config says.",
    )
    lease_name: str = Field(
        default="taskqueue-operator",
        description="The Lease in that namespace which says who publishes; replicas of one release share it.",
    )
    lease_duration: float = Field(
        default=10,
        ge=2,
        le=300,
        description="Another replica takes over when the leader was silent for this long, in seconds.",
    )
    resync: float = Field(
        default=600,
        ge=5,
        description="List all objects again this often, in seconds: what a watch may have missed.",
    )
