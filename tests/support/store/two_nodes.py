"""A Redis Cluster of two nodes and a slot that can be moved key by key, with a server of your choice."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import redis

from tests.support.process.child import free_ports


@dataclass(frozen=True, slots=True)
class Node:
    """One server of the cluster and a client of it alone."""

    port: int
    bus_port: int
    client: Any

    @property
    def name(self) -> str:
        answer: str = self.client.execute_command("CLUSTER MYID").decode()
        return answer

    def is_whole(self) -> bool:
        """Whether every slot has an owner that this node knows."""
        return bool(self.client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")


@dataclass(frozen=True, slots=True)
class Move:
    """Moves the slot of `tag` from one node to the other, a step at a time."""

    old: Node
    new: Node
    tag: str

    @property
    def slot(self) -> int:
        return int(self.old.client.execute_command("CLUSTER KEYSLOT", f"{{{self.tag}}}"))

    def keys(self, node: Node) -> list[bytes]:
        found: list[bytes] = node.client.execute_command("CLUSTER", "GETKEYSINSLOT", self.slot, 10_000)
        return found

    def contents(self) -> dict[bytes, object]:
        """Return every key on either node, and its value; ASKING, since an importing node answers no other client."""
        found: dict[bytes, object] = {}
        for client in (self.old.client, self.new.client):
            reads = {
                b"string": client.get,
                b"hash": client.hgetall,
                b"zset": lambda key, client=client: client.zrange(key, 0, -1, withscores=True),
                b"list": lambda key, client=client: client.lrange(key, 0, -1),
            }
            for key in client.keys("*{" + self.tag + "}*"):
                client.execute_command("ASKING")
                read = reads[client.type(key)]
                client.execute_command("ASKING")
                found[key] = read(key)
        return found

    def begin(self) -> None:
        self.new.client.execute_command("CLUSTER", "SETSLOT", self.slot, "IMPORTING", self.old.name)
        self.old.client.execute_command("CLUSTER", "SETSLOT", self.slot, "MIGRATING", self.new.name)

    def carry(self, *keys: bytes) -> None:
        if keys:
            target = ("127.0.0.1", self.new.port, "", 0, 5_000)
            self.old.client.execute_command("MIGRATE", *target, "KEYS", *keys)

    def finish(self) -> None:
        for node in (self.new, self.old):
            node.client.execute_command("CLUSTER", "SETSLOT", self.slot, "NODE", self.new.name)

    def at_once(self) -> None:
        """Ask for the move in one step, which goes on by itself. Raises ResponseError if the server knows none."""
        where = ("SLOTSRANGE", self.slot, self.slot, "NODE", self.new.name)
        self.old.client.execute_command("CLUSTER", "MIGRATESLOTS", *where)


@contextmanager
def two_nodes(binary: str) -> Iterator[tuple[Node, Node]]:
    """The first node holds every slot but the last."""
    with ExitStack() as stack:
        old, new = (_start(stack, binary) for _ in range(2))
        old.client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_382)
        new.client.execute_command("CLUSTER", "ADDSLOTS", 16_383)
        old.client.execute_command("CLUSTER", "MEET", "127.0.0.1", new.port, new.bus_port)
        for node in (old, new):
            _until(node.is_whole)
        yield old, new


def _start(stack: ExitStack, binary: str) -> Node:
    port, bus_port = free_ports(2)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="taskqueue-node-"))
    options = ("--cluster-enabled", "yes", "--cluster-port", str(bus_port), "--save", "", "--dir", folder)
    process = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", *options], stdout=subprocess.DEVNULL
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    client = stack.enter_context(redis.Redis(port=port, single_connection_client=True))

    def answers() -> bool:
        with suppress(redis.ConnectionError):
            return bool(client.ping())
        return False

    _until(answers)
    return Node(port, bus_port, client)


def _until(check: Callable[[], bool], limit_s: float = 20.0) -> None:
    end = time.monotonic() + limit_s
    while not check():
        assert time.monotonic() < end, "the cluster never was ready"
        time.sleep(0.02)
