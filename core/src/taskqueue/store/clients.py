"""Clients of redis-py for one server, for Sentinels and for a Cluster. None repeats a command by itself."""

from typing import Any

from redis.asyncio import Connection, ConnectionPool, Redis, RedisCluster, SSLConnection
from redis.asyncio import UnixDomainSocketConnection as UnixConnection
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from taskqueue.store.address import Address
from taskqueue.store.sentinel import Primary, following
from taskqueue.store.servers import Connected
from taskqueue.store.url import StoreUrl

#: Connections of a store, each for one call at a time; further calls wait for their turn.
MAX_CONNECTIONS = 100


class ClusterClient(RedisCluster):
    """A client of a cluster. Refuses to follow a moving slot to a node that redis-py does not know."""

    def get_node(self, host: str | None = None, port: int | None = None, node_name: str | None = None) -> Any:
        node = super().get_node(host, port, node_name)
        if node is None:
            text = f"MOVING the slot of this release is moving to {node_name or f'{host}:{port}'}, nothing was done"
            raise ResponseError(text)
        return node


def new_cluster_client(url: StoreUrl, timeout_s: float) -> ClusterClient:
    """Return a client of a cluster, connected at its first call."""
    nodes = [ClusterNode(host, port) for host, port in url.hosts]
    return ClusterClient(startup_nodes=nodes, ssl=url.tls, **_options(url, timeout_s))


def new_pool(
    url: StoreUrl, timeout_s: float, connected: Connected, primary: Primary | None
) -> ConnectionPool:
    """Return the pool of connections to one server: the one that the URL names, or the primary of Sentinels."""
    options = {**_options(url, timeout_s), "db": url.database}
    connection_class: type[Any] = SSLConnection if url.tls else Connection
    if url.path:
        connection_class, options["path"] = UnixConnection, url.path
    elif primary:
        connection_class = following(connection_class, primary)
    else:
        options["host"], options["port"] = url.hosts[0]
    return ConnectionPool(connection_class, MAX_CONNECTIONS, redis_connect_func=connected, **options)


def new_sentinels(url: StoreUrl, timeout_s: float, password: str | None) -> dict[Address, Redis]:
    """Return a client for each Sentinel. Each waits for events without an end."""
    tls: dict[str, Any] = {name: value for name, value in url.parameters.items() if name.startswith("ssl_")}
    options = {**_patience(timeout_s), "socket_timeout": None, "password": password, "decode_responses": True}
    return {
        (host, port): Redis(host=host, port=port, ssl=url.tls, **tls, **options) for host, port in url.hosts
    }


def _options(url: StoreUrl, timeout_s: float) -> dict[str, Any]:
    return {**_patience(timeout_s), "username": url.username, "password": url.password, **url.parameters}


def _patience(timeout_s: float) -> dict[str, Any]:
    """Return the options of a client that waits so long for an answer, and asks once."""
    return {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,  # CLIENT SETINFO would be one more right
    }
