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
        le=86_400,
        description="List all objects again this often, in seconds: what a watch may have missed.",
    )
    watch_period: float = Field(
        default=30,
        ge=1,
        le=300,
        description="Ask for a watch anew this often, in seconds; one that tells nothing for longer is given up.",
    )
    worker_concurrency: int = Field(
        default=50,
        ge=1,
        le=10_000,
        description="For autoscaling: the slots of one worker, its own `concurrency`.",
    )
    scale_drain: float = Field(
        default=30,
        ge=1,
        le=3_600,
        description="For autoscaling: one worker is asked for per worker_concurrency * scale_drain work-seconds, so "
        "that a backlog ends within about this time, in seconds.",
    )
    external_metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="Serve the API external.metrics.k8s.io here, over HTTPS, on the address of `health_host`; 0: do "
        "not.",
    )
    external_metrics_service: str = Field(
        default="taskqueue-external-metrics",
        pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
        description="The Service in front of that port, which the certificate is for.",
    )
    external_metrics_secret: str = Field(
        default="taskqueue-external-metrics-certificate",
        pattern=r"^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$",
        description="The Secret in the namespace that the operator fills and renews for it; it must be there, empty.",
    )
