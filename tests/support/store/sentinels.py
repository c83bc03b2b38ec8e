"""A primary with two replicas and three Sentinels: real processes on loopback."""

import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import redis

from tests.support.process.child import Child, free_ports
from tests.support.store.server import HOST, POLL_S, RedisServer, program, wait_until
from tests.support.store.switchboard import Node, Switchboard

SERVICE = "main"
QUORUM = 2
DOWN_AFTER_MS = 1_000
FAILOVER_TIMEOUT_MS = 4_000


class Sentinels:
    """server: "redis" or "valkey". cuttable: servers and Sentinels reach each other through a switchboard.

    min_replicas: a primary refuses writes while fewer replicas than that answered within the last second or two.
    """

    def __init__(
        self, folder: Path, server: str = "redis", *, min_replicas: int = 0, cuttable: bool = False
    ) -> None:
        self._folder = folder / "servers"
        self._folder.mkdir()
        self._server = server
        ports = free_ports(6)
        self._sentinel_ports = ports[3:]
        self._nodes = [Node(port, f"127.0.1.{number + 10}") for number, port in enumerate(ports[:3])]
        self._switchboard = Switchboard(self._nodes) if cuttable else None
        self._announced = self._switchboard.ports if self._switchboard else ports[:3]
        self.servers = [self._make(number, min_replicas) for number in range(3)]
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOST}:{port}" for port in self._sentinel_ports)
        return f"redis+sentinel://{hosts}/{SERVICE}/0"

    @property
    def primary(self) -> RedisServer:
        """Return the server that the Sentinels name; the majority, where they differ."""
        named = [self.named(port) for port in self._sentinel_ports]
        known = [one for one in named if one]
        assert known, "no Sentinel answers"
        return max(known, key=known.count)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def named(self, sentinel_port: int) -> RedisServer | None:
        """Return the primary that one Sentinel names, or None where it does not answer."""
        with suppress(redis.RedisError, OSError), redis.Redis(port=sentinel_port, socket_timeout=1) as asked:
            found = asked.sentinel_get_master_addr_by_name(SERVICE)
            return self.servers[self._announced.index(int(found[1]))] if found else None
        return None

    def fail_over(self) -> None:
        """Ask a Sentinel to, with nothing broken."""
        with redis.Redis(port=self._sentinel_ports[0], socket_timeout=2) as asked:
            asked.execute_command("SENTINEL", "FAILOVER", SERVICE)

    def promoted(self, old: RedisServer, limit_s: float = 20.0) -> float:
        """Wait until a Sentinel names another primary that is one; return when (epoch s)."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            for port in self._sentinel_ports:
                now = self.named(port)
                if now not in {None, old}:
                    return time.time()
            time.sleep(POLL_S)
        raise AssertionError(f"nothing was promoted within {limit_s} s")

    def cut(self, server: RedisServer) -> None:
        """Cut a server off from the other servers and from the Sentinels. Its clients reach it."""
        assert self._switchboard, "made with cuttable=True"
        self._switchboard.cut(self._nodes[self.servers.index(server)])

    def heal(self, server: RedisServer) -> None:
        assert self._switchboard
        self._switchboard.heal(self._nodes[self.servers.index(server)])

    def settled(self, limit_s: float = 30.0) -> None:
        """Wait until there are a primary that all Sentinels name, two replicas in step, and no failover."""
        wait_until("the replicas are in step", self._is_settled, limit_s)

    def _make(self, number: int, min_replicas: int) -> RedisServer:
        options = {
            "bind-source-addr": self._nodes[number].source,
            "replica-announce-ip": HOST,
            "replica-announce-port": str(self._announced[number]),
            "repl-timeout": "5",
            "repl-ping-replica-period": "1",
            "min-replicas-to-write": str(min_replicas),
            "min-replicas-max-lag": "2",
        }
        port = self._nodes[number].port
        made = RedisServer(f"redis-{number}", self._folder, self._server, port=port)
        made.options |= options
        return made

    def _start(self) -> None:
        if self._switchboard:
            self._stack.enter_context(self._switchboard)
        for server in self.servers:
            self._stack.callback(server.kill)
            server.start()
        for server in self.servers[1:]:
            server.call("REPLICAOF", HOST, self._announced[0])
        wait_until("both replicas are there", lambda: self._in_step(self.servers[0]) == 2)
        sentinels = [self._start_sentinel(number) for number in range(3)]
        for one, port in zip(sentinels, self._sentinel_ports, strict=True):
            one.until("it knows the others", lambda port=port: self._knows_all(port))  # type: ignore[misc]

    def _start_sentinel(self, number: int) -> Child:
        port = self._sentinel_ports[number]
        file = self._folder / f"sentinel-{number}.conf"
        lines = [
            f"port {port}",
            f"dir {self._folder}",
            f"bind {HOST}",
            "protected-mode no",
            f"bind-source-addr 127.0.1.{number + 20}",
            f"sentinel announce-ip {HOST}",
            f"sentinel announce-port {port}",
            f"sentinel monitor {SERVICE} {HOST} {self._announced[0]} {QUORUM}",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}",
        ]
        file.write_text("\n".join(lines) + "\n")
        child = Child(program(self._server), file.with_suffix(".log"), str(file), "--sentinel")
        self._stack.callback(child.kill)
        return child

    def _knows_all(self, port: int) -> bool:
        with suppress(redis.RedisError, OSError), redis.Redis(port=port, socket_timeout=1) as asked:
            told = asked.sentinel_master(SERVICE)
            return (told["num-slaves"], told["num-other-sentinels"]) == (2, 2)
        return False

    def _is_settled(self) -> bool:
        named = {self.named(port) for port in self._sentinel_ports}
        if len(named) != 1 or None in named:
            return False
        primary = named.pop()
        return primary is not None and primary.is_primary() and self._in_step(primary) == 2

    def _in_step(self, primary: RedisServer) -> int:
        told = primary.info("replication")
        rows = [told[key] for key in told if key.startswith("slave") and key[5:].isdigit()]
        return sum(row["state"] == "online" for row in rows)
