"""The settings of the operator: those of the scheduler without manifests, and access to Kubernetes."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from taskqueue.process.settings import matching
from taskqueue.scheduler.settings import TickingSettings

#: Pattern and rule of the names of a Service and of a Secret.
_SERVICE = (
    r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
    "must be 1 to 63 lower-case letters, digits and dashes, the first a letter, the last no dash",
)
_SECRET = (
    r"^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$",
    "must be 1 to 253 lower-case letters, digits, dashes and dots, the first and the last a letter or digit",
)


class OperatorSettings(TickingSettings):
    """Publishes the TaskTypes and UserSubscriptions of one namespace, and emits jobs when they are due."""

    namespace: str = Field(
        default="default",
        min_length=1,
        max_length=63,
        description="Namespace of the published objects.",
    )
    kubeconfig: Path | None = Field(
        default=None,
        description="Kubeconfig file for access to the API server; without it, the files in KUBECONFIG, the service "
        "account of the pod or ~/.kube/config, the first that exists.",
    )
    lease_name: str = Field(
        default="taskqueue-operator",
        description="Lease of the leader, in that namespace; the replicas of one release share it.",
    )
    lease_duration: float = Field(
        default=10,
        ge=2,
        le=300,
        description="Silence of the leader after which another replica takes over, in seconds.",
    )
    resync: float = Field(
        default=600,
        ge=5,
        le=86_400,
        description="Interval between two lists of all objects, which find changes that a watch missed, in seconds.",
    )
    watch_period: float = Field(
        default=30,
        ge=1,
        le=300,
        description="Duration of one watch request, in seconds; a watch that is silent for longer is replaced.",
    )
    worker_concurrency: int = Field(
        default=50,
        ge=1,
        le=10_000,
        description="For autoscaling: concurrency slots of one worker, the `concurrency` of its settings.",
    )
    scale_drain: float = Field(
        default=30,
        ge=1,
        le=3_600,
        description="For autoscaling: target time to complete a backlog, in seconds; one worker is wanted for each "
        "worker_concurrency * scale_drain seconds of work.",
    )
    external_metrics_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="HTTPS port of the API external.metrics.k8s.io, on the address of `health_host`; 0 to disable.",
    )
    external_metrics_service: Annotated[str, matching(*_SERVICE)] = Field(
        default="taskqueue-external-metrics",
        description="Service of that port; the certificate is for its name.",
    )
    external_metrics_secret: Annotated[str, matching(*_SECRET)] = Field(
        default="taskqueue-external-metrics-certificate",
        description="Secret of that certificate, which must exist, empty, in the namespace; the operator fills and "
        "renews it.",
    )
