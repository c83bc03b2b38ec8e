"""Services of docker compose as steps that start pods, one container in place of each of Docker's.

A pod takes from compose: image, user, rights, entrypoint, command, environment, mounts, healthcheck, restarts and
grace. Services that share a network share a pod. A name on the network is a Service without an address of its own: it
leads to any port of its pods, as compose's names do. A named volume is a folder. What else a file says is refused:
nothing is left out.
"""

import os
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

from taskqueue.models.duration import parse_ms
from tests.support.node.compose import Service
from tests.support.node.pods import env

Object = dict[str, Any]
RESTARTS = {"no": "Never", "on-failure": "OnFailure", "unless-stopped": "Always", "always": "Always"}
#: What kubectl waits for at the pods of a service before those that depend on it are started.
CONDITIONS = {"service_started": "jsonpath={.status.phase}=Running", "service_healthy": "condition=Ready"}
UNDERSTOOD = {
    *(
        "build",
        "cap_drop",
        "command",
        "depends_on",
        "deploy",
        "entrypoint",
        "environment",
        "healthcheck",
        "image",
    ),
    *(
        "network_mode",
        "networks",
        "ports",  # of the machine, which a pod does not open
        "pull_policy",  # of images that the node has
        "read_only",
        "restart",
        "security_opt",
        "stop_grace_period",
        "tmpfs",
        "user",
    ),
    "volumes",
}
NO_NEW_PRIVILEGES = "no-new-privileges:true"
#: What Docker takes where a file says nothing.
GRACE, INTERVAL, TIMEOUT, RETRIES = "10s", "30s", "30s", 3


class Step(NamedTuple):
    """Pods that start together. after: conditions for kubectl to wait for first, by service."""

    service: str
    after: dict[str, str]
    pods: list[Object]


def steps(services: dict[str, Service], volumes: Path) -> list[Step]:
    """Order the services by their dependencies. volumes: the folder of the named ones."""
    for name, service in services.items():
        _refuse_what_is_not_understood(name, service)
    needs = {name: service.get("depends_on", {}) for name, service in services.items()}
    groups: dict[str, list[str]] = {}
    for name in TopologicalSorter(needs).static_order():
        groups.setdefault(services[name].get("network_mode", name).removeprefix("service:"), []).append(name)
    after = {
        host: {
            other: CONDITIONS[how["condition"]]
            for name in names
            for other, how in needs[name].items()
            if other not in names
        }
        for host, names in groups.items()
    }
    return [
        Step(host, after[host], _pods(host, {name: services[name] for name in groups[host]}, volumes))
        for host in TopologicalSorter(after).static_order()
    ]


def make_volumes(services: dict[str, Service], folder: Path) -> None:
    """Make a folder for each named volume. Its service's user owns it, as Docker has it of the image's folder."""
    for service in services.values():
        for mount in service.get("volumes", ()):
            if mount["type"] == "volume":
                made = folder / mount["source"]
                made.mkdir()
                os.chown(made, *_user(service))


def name_on_the_network(service: str) -> Object:
    spec = {"clusterIP": "None", "selector": {"service": service}, "publishNotReadyAddresses": True}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": service}, "spec": spec}


def _refuse_what_is_not_understood(name: str, service: Service) -> None:
    assert service.keys() <= UNDERSTOOD, f"{name}: {service.keys() - UNDERSTOOD}"
    assert service.get("networks", {"default": None}) == {"default": None}, name
    assert service.get("network_mode", "service:").startswith("service:"), name
    assert set(service.get("security_opt", ())) <= {NO_NEW_PRIVILEGES}, name
    deploy = service.get("deploy", {})
    assert [word for word, said in deploy.items() if said and word != "replicas"] == [], name


def _pods(host: str, group: dict[str, Service], volumes: Path) -> list[Object]:
    """Make a pod for each replica of a service; of a group one with all containers, which start in its order."""
    replicas = [
        (f"{name}-{number}", service)
        for name, service in group.items()
        for number in range(1, service.get("deploy", {}).get("replicas", 1) + 1)
    ]
    containers = [_container(name, service) for name, service in replicas]
    shares = [containers] if len(group) > 1 else [[one] for one in containers]
    spec = {
        "restartPolicy": RESTARTS[group[host].get("restart", "no")],
        "terminationGracePeriodSeconds": max(
            _seconds(service.get("stop_grace_period", GRACE)) for service in group.values()
        ),
        # Docker gives a container neither.
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "volumes": [
            *(_volume(mount, volumes) for service in group.values() for mount in service.get("volumes", ())),
            *(_memory(name, mount) for name, service in replicas for mount in service.get("tmpfs", ())),
        ],
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{host}-{number}", "labels": {"service": host}},
            "spec": {**spec, "containers": share},
        }
        for number, share in enumerate(shares, 1)
    ]


def _container(name: str, service: Service) -> Object:
    made = {
        "name": name,
        "image": service["image"],
        "imagePullPolicy": "Never",
        "restartPolicy": RESTARTS[service.get("restart", "no")],
        "command": service["entrypoint"],
        "args": service["command"],
        "env": env(**service.get("environment", {})),
        "volumeMounts": [
            {
                "name": _volume_name(mount),
                "mountPath": mount["target"],
                "readOnly": mount.get("read_only", False),
            }
            for mount in service.get("volumes", ())
        ]
        + [
            {"name": _memory(name, mount)["name"], "mountPath": mount.partition(":")[0]}
            for mount in service.get("tmpfs", ())
        ],
        "securityContext": _rights(service),
    }
    if "healthcheck" in service:
        made["readinessProbe"] = _probe(service["healthcheck"])
    return made


def _rights(service: Service) -> Object:
    user, group = _user(service) if "user" in service else (None, None)
    return {
        "readOnlyRootFilesystem": service.get("read_only", False),
        "allowPrivilegeEscalation": NO_NEW_PRIVILEGES not in service.get("security_opt", ()),
        "capabilities": {"drop": service.get("cap_drop", [])},
        "runAsUser": user,
        "runAsGroup": group,
    }


def _user(service: Service) -> tuple[int, int]:
    user, _, group = service["user"].partition(":")
    return int(user), int(group)


def _probe(check: Object) -> Object:
    """A container that fails it is not ready, and nothing else follows, as with Docker."""
    assert check.keys() <= {"test", "interval", "timeout", "retries"}, check
    kind, *command = check["test"]
    assert kind == "CMD", kind
    return {
        "exec": {"command": command},
        "periodSeconds": _seconds(check.get("interval", INTERVAL)),
        "timeoutSeconds": _seconds(check.get("timeout", TIMEOUT)),
        "failureThreshold": check.get("retries", RETRIES),
    }


def _volume(mount: Object, volumes: Path) -> Object:
    assert mount.keys() <= {"type", "source", "target", "read_only", "bind", "volume"}, mount
    source = Path(mount["source"])
    if mount["type"] == "bind":
        place = {"path": str(source), "type": "Directory" if source.is_dir() else "File"}
    else:
        place = {"path": str(volumes / source), "type": "DirectoryOrCreate"}
    return {"name": _volume_name(mount), "hostPath": place}


def _memory(container: str, mount: str) -> Object:
    """The tmpfs of one container, which none shares. mount: PATH:size=Nm,mode=1777"""
    path, _, options = mount.partition(":")
    size, _, mode = options.partition(",")
    assert mode == "mode=1777", "that of an emptyDir"
    assert (size[:5], size[-1]) == ("size=", "m"), mount
    name = f"{container}-{_volume_name({'target': path})}"
    limit = f"{size.removeprefix('size=').removesuffix('m')}Mi"
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": limit}}


def _volume_name(mount: Object) -> str:
    """After where it is mounted, in the letters that a name may have."""
    return "at" + "".join(one if one.isalnum() else "-" for one in mount["target"].lower())


def _seconds(duration: str) -> int:
    return parse_ms(duration) // 1000
