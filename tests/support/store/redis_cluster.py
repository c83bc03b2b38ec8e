"""Redis Cluster: three primaries with a replica each, and a slot that moves while it is written to."""

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import redis

from tests.support.process.child import free_ports
from tests.support.store.server import HOST, POLL_S, RedisServer, wait_until

PRIMARIES = 3
SLOTS = 16_384
NODE_TIMEOUT_MS = 1_500


@dataclass(frozen=True, slots=True)
class Moved:
    """refused: MIGRATE's refusal, or empty. keys: how many were moved one by one."""

    from_s: float
    until_s: float
    keys: int
    refused: str = ""


class RedisCluster:
    """server: "redis" or "valkey"."""

    def __init__(self, folder: Path, server: str = "redis") -> None:
        self._folder = folder / "servers"
        self._folder.mkdir()
        ports = free_ports(4 * PRIMARIES)
        self._bus = dict(zip(ports[: 2 * PRIMARIES], ports[2 * PRIMARIES :], strict=True))
        self.servers = [
            RedisServer(
                f"node-{number}",
                self._folder,
                server,
                port=port,
                cluster_enabled="yes",
                cluster_port=str(bus),
                cluster_node_timeout=str(NODE_TIMEOUT_MS),
                cluster_replica_validity_factor="0",
            )
            for number, (port, bus) in enumerate(self._bus.items())
        ]
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Name a node that nothing happens to."""
        return f"redis+cluster://{HOST}:{self.servers[PRIMARIES].port}"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def slot(self, key: str) -> int:
        """Return the slot of a key."""
        return int(self._first_alive().call("CLUSTER", "KEYSLOT", key))

    def owner(self, slot: int) -> RedisServer:
        """Return the primary of a slot according to any living node."""
        for begin, end, (_, port, *_), *_ in self._first_alive().call("CLUSTER", "SLOTS"):
            if begin <= slot <= end:
                return next(one for one in self.servers if one.port == int(port))
        raise AssertionError(f"slot {slot} has no owner")

    def other(self, primary: RedisServer) -> RedisServer:
        """Return a primary that is another one."""
        return next(
            one for one in self.servers if one is not primary and one.is_primary() and self._owns_slots(one)
        )

    def promoted(self, slot: int, old: RedisServer, limit_s: float = 20.0) -> float:
        """Wait until another node owns the slot and serves it; return when (epoch s)."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            with suppress(redis.RedisError, OSError, StopIteration):
                if self.owner(slot) is not old and self._is_ok(self.owner(slot)):
                    return time.time()
            time.sleep(POLL_S)
        raise AssertionError(f"nothing was promoted within {limit_s} s")

    def move_by_key(self, slot: int, source: RedisServer, target: RedisServer, pause_s: float) -> Moved:
        """Move a slot as tools do: SETSLOT on both sides, MIGRATE key by key, SETSLOT NODE.

        pause_s: after each key, so that clients meet a slot of which a part has moved.
        """
        ids = {one: one.call("CLUSTER", "MYID").decode() for one in (source, target)}
        from_s, keys = time.time(), 0
        target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        while found := source.call("CLUSTER", "GETKEYSINSLOT", slot, 1):
            try:
                source.call("MIGRATE", HOST, target.port, found[0], 0, 2_000)
            except redis.ResponseError as error:
                return Moved(from_s, time.time(), keys, f"{error} ({found[0].decode()})")
            keys += 1
            time.sleep(pause_s)
        for one in (target, source, *self.servers):
            with suppress(redis.ResponseError):  # replicas take no part
                one.call("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        return Moved(from_s, time.time(), keys)

    def move_at_once(self, slot: int, source: RedisServer, target: RedisServer) -> Moved:
        """Move a slot by the server's own atomic migration (Valkey 9)."""
        from_s = time.time()
        target_id = target.call("CLUSTER", "MYID").decode()
        source.call("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target_id)
        wait_until("the slot has moved", lambda: self.owner(slot) is target)
        return Moved(from_s, time.time(), 0)

    def _start(self) -> None:
        for epoch, server in enumerate(self.servers, 1):
            self._stack.callback(server.kill)
            server.start()
            server.call("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        first, share = self.servers[0], -(-SLOTS // PRIMARIES)
        for number, server in enumerate(self.servers[:PRIMARIES]):
            server.call("CLUSTER", "ADDSLOTSRANGE", number * share, min((number + 1) * share, SLOTS) - 1)
        for server in self.servers[1:]:
            first.call("CLUSTER", "MEET", HOST, server.port, self._bus[server.port])
        wait_until("everybody knows everybody", lambda: all(map(self._knows_all, self.servers)))
        for primary, replica in zip(self.servers[:PRIMARIES], self.servers[PRIMARIES:], strict=True):
            replica.call("CLUSTER", "REPLICATE", primary.call("CLUSTER", "MYID"))
        wait_until("the cluster is ready", lambda: all(map(self._is_ok, self.servers)))
        wait_until("the replicas are in step", lambda: all(map(self._is_followed, self.servers[:PRIMARIES])))

    def _first_alive(self) -> RedisServer:
        for server in reversed(self.servers):
            with suppress(redis.RedisError, OSError):
                server.call("PING")
                return server
        raise AssertionError("no node answers")

    def _knows_all(self, server: RedisServer) -> bool:
        with server.client() as client:
            nodes: dict[str, dict[str, Any]] = client.execute_command("CLUSTER NODES")
        return len(nodes) == 2 * PRIMARIES and all("handshake" not in one["flags"] for one in nodes.values())

    def _is_ok(self, server: RedisServer) -> bool:
        return b"cluster_state:ok" in server.call("CLUSTER", "INFO")

    def _is_followed(self, server: RedisServer) -> bool:
        told = server.info("replication")
        return bool(told["connected_slaves"] == 1 and told["slave0"]["state"] == "online")

    def _owns_slots(self, server: RedisServer) -> bool:
        ranges = server.call("CLUSTER", "SLOTS")
        return any(int(row[2][1]) == server.port for row in ranges)
