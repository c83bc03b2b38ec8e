"""TCP forwarders in a process of their own: between servers, where a node can be cut off, and behind a name.

A forwarder knows who calls by the address the call comes from: servers call from addresses of their own
(`bind-source-addr`), clients from CLIENT. What a node that is cut off sends, or is sent by other servers, is held
and passed on after `heal`, as a network that lost packets would. Its clients notice nothing.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.support.process.child import free_ports

#: Where clients call from.
CLIENT = "127.0.0.1"
_CHUNK = 1 << 16
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Node:
    """port: of the server. source: the address that its own calls come from."""

    port: int
    source: str


@dataclass(slots=True)
class Forwarder:
    """Forwards to `node`; connections that stand keep their server when that changes. cut: sources that are cut off."""

    node: Node
    cut: set[str]
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        caller, node = writer.get_extra_info("peername")[0], self.node
        try:
            up_reader, up_writer = await asyncio.open_connection(CLIENT, node.port)
        except OSError:
            writer.transport.abort()
            return
        ends = frozenset({caller, node.source} if caller != CLIENT else ())
        ways = [
            asyncio.create_task(self._pass(reader, up_writer, ends)),
            asyncio.create_task(self._pass(up_reader, writer, ends)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for end in (writer, up_writer):
            end.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ends: frozenset[str]
    ) -> None:
        with suppress(OSError):
            while True:
                chunk = await reader.read(_CHUNK)
                while ends & self.cut:
                    await self.changed.wait()
                if not chunk:
                    return
                writer.write(chunk)
                await writer.drain()


async def _main(listening: Sequence[tuple[int, int, str]]) -> None:
    cut: set[str] = set()
    changed = asyncio.Event()
    forwarders = [Forwarder(Node(port, source), cut, changed) for _, port, source in listening]
    for (own, _, _), forwarder in zip(listening, forwarders, strict=True):
        await asyncio.start_server(forwarder.serve, CLIENT, own)
    print("listening", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match line.split():
            case ["cut", source]:
                cut.add(source)
            case ["heal", source]:
                cut.discard(source)
                changed.set()
                changed.clear()
            case ["point", number, port]:
                forwarder = forwarders[int(number)]
                forwarder.node = Node(int(port), forwarder.node.source)
        print("done", flush=True)


class Switchboard:
    """A forwarder for each node; `ports` are their own, in the order of the nodes."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self.ports = free_ports(len(nodes))

    def __enter__(self) -> Self:
        listening = [(own, node.port, node.source) for own, node in zip(self.ports, self.nodes, strict=True)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.store.switchboard", json.dumps(listening)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._expect("listening")
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def cut(self, node: Node) -> None:
        self._say(f"cut {node.source}")

    def heal(self, node: Node) -> None:
        self._say(f"heal {node.source}")

    def point(self, number: int, port: int) -> None:
        """Have new connections of a forwarder go to another server."""
        self._say(f"point {number} {port}")

    def _say(self, words: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()
        self._expect("done")

    def _expect(self, word: str) -> None:
        assert self._process.stdout
        said = self._process.stdout.readline().strip()
        assert said == word, f"the switchboard ended: {said!r}"


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(_main(json.loads(sys.argv[1])))
    else:
        uvloop.run(_main(json.loads(sys.argv[1])))
