"""The client of a Redis Cluster, with a gap of redis-py closed."""

from typing import Any

from redis.asyncio import RedisCluster
from redis.exceptions import ResponseError


class ClusterClient(RedisCluster):
    """Refuses, in words, to follow a moving slot to a node that owns no slot yet.

    redis-py knows only nodes that own slots: asked to go to another, it raises an AttributeError, which no caller
    takes for an answer of the server.
    """

    def get_node(self, host: str | None = None, port: int | None = None, node_name: str | None = None) -> Any:
        node = super().get_node(host, port, node_name)
        if node is None:
            text = f"MOVING the slot of this release is moving to {node_name or f'{host}:{port}'}, nothing was done"
            raise ResponseError(text)
        return node
